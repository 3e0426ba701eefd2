import type { Page } from '@playwright/test';
import { accessible, expect, inspect, pictures, test } from './fixtures';
import { Admin } from './admin';
import { signIn } from './people';
import { ADMIN } from './server';

// Passes that are ended early and tried again, at an account of S3 that is really there.
test.use({ story: 'passes', clouds: true });
test.describe.configure({ mode: 'serial' });

/** So slow that nobody misses an upload: also what the pass before has brought is sent. */
const SLOW = 110_000;

async function cellar(admin: Admin, server: any, title: string, more: object = {}): Promise<any> {
  const { url, client_id, client_secret, region } = server.clouds.accounts.amazon_s3;
  const input = { title, type: 'amazon_s3', client_id, client_secret, region, endpoint: url, path_style: true };
  return admin.call('POST', '/storages', { ...input, ...more });
}

/** Switched off or on, slow or not: what is not named stays, the secret too. */
async function change(admin: Admin, id: number, more: object): Promise<void> {
  const { title, type, client_id, region, endpoint, path_style, incremental, enabled, max_bytes_per_sec } = await admin.call('GET', `/storages/${id}`);
  const now = { title, type, client_id, region, endpoint, path_style, incremental, enabled, max_bytes_per_sec };
  await admin.call('PUT', `/storages/${id}`, { ...now, ...more });
}

async function set(admin: Admin, server: any, title: string, ids: number[]): Promise<any> {
  const path = `${server.clouds.accounts.amazon_s3.bucket}/shop`;
  const local = { storage_id: null, enabled: true, keep_copies: 3, path: '' };
  const storages = [local, ...ids.map((storage_id) => ({ storage_id, enabled: true, keep_copies: 3, path }))];
  const input = { enabled: false, title, folder_name: title.toLowerCase().replaceAll(' ', '-'), backup_types: ['files'] };
  return admin.call('POST', '/backups', { ...input, frequency: 24, time_of_day: '02:30', storages });
}

/** Starts it in the grid and follows it to its log. */
async function start(page: Page, title: string): Promise<void> {
  await page.goto('/backups');
  await page.getByRole('button', { name: `Create Backup of ${title}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Create Backup' }).click();
  await expect(page).toHaveURL(/\/logs\/\d+$/);
}

const uploads = (page: Page) => page.getByRole('region', { name: 'Upload' }).getByRole('list', { name: 'Destinations' });
const results = (page: Page) => page.getByRole('list', { name: 'Destinations' }).getByRole('listitem');

let slow: { id: number };

test('passes: one that runs is cancelled, and what it has finished stays', async ({ page, request, server }) => {
  const admin = await Admin.of(request);
  slow = await cellar(admin, server, 'Slow cellar', { max_bytes_per_sec: SLOW, incremental: false });
  await set(admin, server, 'Unhurried', [slow.id]);
  await signIn(page, ADMIN);
  await start(page, 'Unhurried');
  await expect(uploads(page)).toContainText('Running', { timeout: 60_000 });
  await inspect(page, 'progress-upload');

  // Whoever thinks better of it goes back to where they were.
  const button = page.getByRole('button', { name: 'Cancel the backup of Unhurried' });
  await button.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Cancel the backup of “Unhurried”?' });
  await expect(dialog).toContainText('The archives of this pass on this server');
  await expect(dialog).toContainText('The upload to “Slow cellar”, as far as it is');
  await expect(dialog.getByRole('button', { name: 'Keep it running' })).toBeFocused();
  await inspect(page, 'cancel-dialog');
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect(button).toBeFocused();

  await button.click();
  await dialog.getByRole('button', { name: 'Cancel the backup' }).click();
  await expect(button).toBeHidden();
  await expect(page.getByText(/^The pass was cancelled by ada\./)).toBeVisible({ timeout: 60_000 });
  await expect(results(page).filter({ hasText: 'Local' })).toContainText('Success');
  await expect(results(page).filter({ hasText: 'Slow cellar' })).toContainText('Failed');
  await expect(page.locator('.page-head')).toContainText('Failed');
  const log = (await admin.call('GET', '/logs')).items[0];
  expect([log.overall_status, log.retry_at, log.retryable]).toEqual(['failed', null, true]);
  await inspect(page, 'log-cancelled');
});

test('passes: the destination that failed is tried again, in the same log and without making anything anew', async ({ page, request }) => {
  const admin = await Admin.of(request);
  const before = (await admin.call('GET', '/logs')).items[0];
  await signIn(page, ADMIN, `/logs/${before.id}`);
  await page.getByRole('button', { name: 'Try Slow cellar again' }).click();
  // The same page shows its progress again: the upload alone.
  await expect(uploads(page)).toContainText('Slow cellar', { timeout: 30_000 });
  await expect(page.getByRole('region', { name: 'Files' })).toHaveCount(0);
  await expect(page).toHaveURL(new RegExp(`/logs/${before.id}$`));
  await inspect(page, 'progress-again');

  // Cancelled once more, from the overview this time; then nothing holds it up.
  await page.goto('/');
  const row = page.getByRole('listitem').filter({ hasText: 'Unhurried' }).filter({ has: page.getByRole('button', { name: /^Cancel/ }) });
  await inspect(page, 'overview-running');
  await row.getByRole('button', { name: 'Cancel the backup of Unhurried' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the backup' }).click();
  await expect.poll(async () => (await admin.call('GET', `/logs/${before.id}`)).overall_status, { timeout: 60_000 }).toBe('failed');
  await change(admin, slow.id, { max_bytes_per_sec: null });
  await page.goto(`/logs/${before.id}`);
  await page.getByRole('button', { name: 'Try Slow cellar again' }).click();
  await expect(page.locator('.page-head')).toContainText('Success', { timeout: 60_000 });
  await expect(results(page).filter({ hasText: 'Slow cellar' })).toContainText('Success');
  const attempts = page.getByRole('listitem').filter({ hasText: /^Attempt \d failed/ });
  await expect(attempts).toHaveCount(2);
  await expect(attempts.first()).toContainText('The pass was cancelled by ada.');
  await expect(page.getByRole('button', { name: /^Try / })).toHaveCount(0);
  const after = await admin.call('GET', `/logs/${before.id}`);
  expect([after.files, after.started_at]).toEqual([before.files, before.started_at]);
  await inspect(page, 'log-tried-again');
});

test('passes: a Storage Set that was out of order is mended, and its copy comes after', async ({ page, request, server }) => {
  const admin = await Admin.of(request);
  const attic = await cellar(admin, server, 'Attic', { enabled: false });
  await set(admin, server, 'Two places', [slow.id, attic.id]);
  await signIn(page, ADMIN);
  await start(page, 'Two places');
  await expect(page.locator('.page-head')).toContainText('Failed', { timeout: 60_000 });
  await expect(results(page).filter({ hasText: 'Attic' })).toContainText('Failed');
  await expect(results(page).filter({ hasText: 'Slow cellar' })).toContainText('Success');
  await inspect(page, 'log-one-failed');
  const address = page.url();

  await page.goto(`/storages/${attic.id}`);
  await page.getByRole('switch', { name: 'Enabled' }).press('Space');
  await page.getByRole('button', { name: 'Save Storage Set' }).click();
  await expect(page.getByText('“Attic” was saved.')).toBeVisible();
  await page.goto(address);
  await page.getByRole('button', { name: 'Try Attic again' }).click();
  await expect(page.locator('.page-head')).toContainText('Success', { timeout: 60_000 });
  await expect(results(page).filter({ hasText: 'Attic' })).toContainText('Success');
});

test('passes: the grid of Backup Sets cancels, too, and whoever may not run offers neither', async ({ page, request, server }) => {
  const admin = await Admin.of(request);
  await change(admin, slow.id, { max_bytes_per_sec: SLOW });
  await admin.person('nora', 'looks-and-no-more', ['backups', 'logs']);
  await signIn(page, ADMIN);
  await start(page, 'Unhurried');
  await expect(uploads(page)).toContainText('Running', { timeout: 60_000 });
  await page.goto('/backups');
  const row = page.getByRole('row', { name: /Unhurried/ });
  await expect(row).toContainText('Running');
  await inspect(page, 'sets-running');

  const guest = await (await page.context().browser()!.newContext({ baseURL: server.url })).newPage();
  await signIn(guest, { username: 'nora', password: 'looks-and-no-more' }, '/backups');
  const seen = guest.getByRole('row', { name: /Unhurried/ });
  await expect(seen).toContainText('Slow cellar');
  await expect(seen).not.toContainText('Storage Set #');
  await seen.getByRole('link', { name: 'See progress' }).click();
  await expect(guest.getByRole('progressbar').first()).toBeVisible();
  await expect(guest.getByRole('button', { name: /^Cancel/ })).toHaveCount(0);

  await row.getByRole('button', { name: 'Cancel the backup of Unhurried' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the backup' }).click();
  await expect(page.getByText('The backup of “Unhurried” is being cancelled.')).toBeVisible();
  await expect(row.getByRole('button', { name: /^Cancel/ })).toHaveCount(0);
  await expect(row).toContainText('Failed', { timeout: 60_000 });
  // The other page hears of it by itself.
  await expect(guest.getByText(/^The pass was cancelled by ada\./)).toBeVisible({ timeout: 60_000 });
  await expect(guest.getByRole('button', { name: /^Try / })).toHaveCount(0);
  await guest.context().close();
});

test('passes: a log says when it is tried again, which one it repeats, and that it is ending', async ({ page, request }) => {
  const admin = await Admin.of(request);
  const real = (await admin.call('GET', '/logs')).items[0];
  const in_a_while = new Date(Date.now() + 9 * 60_000).toISOString();
  const failed = { ...real, overall_status: 'failed', error_message: null, retry_at: in_a_while, retry_of: 1 };
  let shown: any = failed;
  await page.route('**/api/v1/logs/4711', (route) => route.fulfill({ json: { ...shown, id: 4711 } }));
  await page.route('**/api/v1/logs/4711/events', (route) => route.fulfill({ status: 404, contentType: 'text/plain', body: '' }));
  await signIn(page, ADMIN, '/logs/4711');
  await expect(page.getByText('Only the destinations that failed are tried')).toBeVisible();
  await expect(page.getByText('(in 9 min)')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Log #1', exact: true })).toHaveAttribute('href', '/logs/1');
  await inspect(page, 'log-retry-at');

  // Somebody tries it again in another tab: this page looks by itself, and follows.
  shown = { ...failed, overall_status: 'pending', queued: false, cancelling: true, retry_at: null, finished_at: null };
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));
  await expect(page.locator('.page-head')).toContainText('Cancelling…');
  await expect(page.getByText('It ends within seconds.')).toBeVisible();
  await expect(page.getByRole('button', { name: /^Cancel/ })).toHaveCount(0);
  await accessible(page, 'log-cancelling');
  await pictures(page, 'log-cancelling');
});
