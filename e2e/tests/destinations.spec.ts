import type { Page } from '@playwright/test';
import { expect, inspect, pictures, test } from './fixtures';
import { Admin } from './admin';
import type { Account } from './clouds';
import { signIn } from './people';
import { ADMIN } from './server';

// With accounts at all four kinds of clouds, from the first credential to the last byte: nothing is made up here.
test.use({ story: 'destinations', clouds: true });
test.describe.configure({ mode: 'serial' });

async function add(page: Page, type: string, title: string, account: Account, labels: [string, string]): Promise<void> {
  await page.goto('/storages/new');
  await page.getByRole('radio', { name: type }).check({ force: true });
  await page.getByRole('textbox', { name: 'Title' }).fill(title);
  await page.getByRole('textbox', { name: labels[0] }).fill(account.client_id);
  await page.getByRole('textbox', { name: labels[1] }).fill(account.client_secret);
  if (type === 'Amazon S3') {
    await page.getByRole('textbox', { name: 'Endpoint' }).fill(account.url);
    await page.getByRole('textbox', { name: 'Region' }).fill(account.region);
  }
  await page.getByRole('button', { name: 'Save Storage Set' }).click();
  await expect(page).toHaveURL(/\/storages\/\d+$/);
}

async function tested(page: Page, path?: string): Promise<void> {
  await page.getByRole('button', { name: 'Test connection' }).click();
  const dialog = page.getByRole('dialog');
  if (path) {
    await expect(dialog.getByText('The keys work. No bucket was tried.')).toBeVisible({ timeout: 60_000 });
    await dialog.getByRole('textbox', { name: 'Bucket and folder' }).fill(path);
    await dialog.getByRole('button', { name: 'Test again' }).click();
  }
  await expect(dialog.getByText('The connection works')).toBeVisible({ timeout: 60_000 });
  await expect(dialog.getByRole('list', { name: 'Steps' })).toContainText('It was read back as it was written.');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
}

test('destinations: accounts are linked through the consent of their providers, and their connections work', async ({ page, context, request, server }) => {
  await Admin.of(request);
  const { accounts } = server.clouds!;
  await signIn(page, ADMIN);
  await add(page, 'Amazon S3', 'Cellar', accounts.amazon_s3, ['Access key ID', 'Secret access key']);
  await tested(page, `${accounts.amazon_s3.bucket}/shop`);
  for (const [type, title, account, labels] of [
    ['Google Drive', 'Drive of the shop', accounts.google_drive, ['Client ID', 'Client secret']],
    ['OneDrive', 'OneDrive of the office', accounts.one_drive, ['Client ID', 'Client secret']],
    ['Dropbox', 'Dropbox of the agency', accounts.dropbox, ['App key', 'App secret']],
  ] as const) {
    await add(page, type, title, account, [labels[0], labels[1]]);
    const opened = context.waitForEvent('page');
    await page.getByRole('button', { name: 'Link the account' }).click();
    const consent = await opened;
    // The provider sends the browser back to the server, which says that it is done.
    await expect(consent.getByRole('heading', { name: 'The account is linked' })).toBeVisible();
    if (type === 'Google Drive') await pictures(consent, 'oauth-callback');
    await consent.close();
    await page.bringToFront();
    await expect(page.getByText('Linked to', { exact: true })).toBeVisible();
    await tested(page);
  }
  await page.goto('/storages');
  for (const title of ['Cellar', 'Drive of the shop', 'OneDrive of the office', 'Dropbox of the agency']) {
    await expect(page.getByRole('row', { name: new RegExp(title) })).toContainText('Ready');
  }
  await inspect(page, 'storages-ready');
});

test('destinations: a Backup Set sends its copies to all of them, side by side', async ({ page, request, server }) => {
  const admin = await Admin.of(request);
  const { accounts } = server.clouds!;
  await signIn(page, ADMIN, '/backups/new');
  await page.getByRole('textbox', { name: 'Title' }).fill('Five times');
  for (const name of ['Cellar', 'Drive of the shop', 'OneDrive of the office', 'Dropbox of the agency']) {
    await page.getByRole('button', { name: 'Add destination' }).click();
    await page.getByRole('button', { name: new RegExp(`^${name}`) }).click();
  }
  const rows = page.getByRole('list', { name: 'Destinations' }).getByRole('listitem');
  await expect(rows).toHaveCount(5);
  await rows.nth(1).getByRole('textbox', { name: 'Bucket and folder' }).fill(`${accounts.amazon_s3.bucket}/shop`);
  await page.getByRole('button', { name: 'Save Backup Set' }).click();
  await page.getByRole('button', { name: 'Create Backup of Five times' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Create Backup' }).click();
  await expect(page).toHaveURL(/\/logs\/\d+$/);
  await expect(page.getByText('Success', { exact: true }).first()).toBeVisible({ timeout: 120_000 });
  const log = (await admin.call('GET', '/logs')).items[0];
  expect(log.storages.map((row: any) => [row.title, row.type, row.status])).toEqual([
    ['Local', 'local', 'success'],
    ['Cellar', 'amazon_s3', 'success'],
    ['Drive of the shop', 'google_drive', 'success'],
    ['OneDrive of the office', 'one_drive', 'success'],
    ['Dropbox of the agency', 'dropbox', 'success'],
  ]);
  for (const name of ['Cellar', 'Drive of the shop', 'OneDrive of the office', 'Dropbox of the agency']) {
    await expect(page.getByText(name, { exact: true }).first()).toBeVisible();
  }
  await inspect(page, 'log-of-five');
});
