import type { Locator, Page } from '@playwright/test';
import { expect, inspect, test } from './fixtures';
import { Admin } from './admin';
import { navigation, signIn } from './people';
import { ADMIN } from './server';

test.use({ story: 'at work' });

const LOG = {
  id: 4711,
  backup_id: null,
  backup_title: 'Long one',
  trigger: 'manual',
  label: null,
  overall_status: 'pending',
  queued: true,
  started_at: '2026-01-02T03:04:05Z',
  finished_at: null,
  duration_sec: null,
  files: [],
  storages: [],
  error_message: null,
  warnings: [],
  copy_path: null,
  downloadable: false,
  cancelling: false,
  retryable: false,
  retry_at: null,
  retry_of: null,
};

function phase(name: string, state: string, done: number, total: number | null) {
  const bytes = { bytes_done: done, bytes_total: total, bytes_written: 0 };
  return { phase: name, state, ...bytes, items_done: 3, items_total: 9, rate_bytes_per_sec: 1e6 };
}

const PROGRESS = {
  log_id: LOG.id,
  overall_status: 'pending',
  phases: [phase('queued', 'done', 0, null), phase('preflight', 'done', 0, null), phase('files', 'running', 42, 100)],
  destinations: [],
  elapsed_sec: 5,
  remaining_sec: 7,
};

/** A pass that runs for as long as the test wants. */
class Pass {
  streams = 0;
  questions = 0;
  through = true;
  status = 200;
  log: object = LOG;

  async play(page: Page): Promise<void> {
    await page.route(`**/api/v1/logs/${LOG.id}`, (route) => {
      this.questions += 1;
      return this.status === 200
        ? route.fulfill({ json: this.log })
        : route.fulfill({ status: this.status, contentType: 'text/plain', body: 'slow down' });
    });
    await page.route(`**/api/v1/logs/${LOG.id}/events`, (route) => {
      this.streams += 1;
      const body = `event: progress\ndata: ${JSON.stringify(PROGRESS)}\n\n`;
      return this.through
        ? route.fulfill({ contentType: 'text/event-stream', body })
        : route.fulfill({ status: 404, contentType: 'text/plain', body: 'nothing of the kind' });
    });
  }
}

test('the badge of a pass follows its progress, not the row of a while ago', async ({ page, request }) => {
  await Admin.of(request);
  const pass = new Pass();
  await pass.play(page);
  await signIn(page, ADMIN, `/logs/${LOG.id}`);
  await expect(page.getByText('42 %')).toBeVisible();
  await expect(page.locator('.page-head')).toContainText('Running');
});

test('a page whose stream does not get through asks plainly, and goes on trying the stream', async ({ page, request }) => {
  await Admin.of(request);
  const pass = new Pass();
  pass.log = { ...LOG, queued: false };
  await pass.play(page);
  await page.clock.install();
  await signIn(page, ADMIN, `/logs/${LOG.id}`);
  await expect(page.getByText('42 %')).toBeVisible();
  pass.through = false;
  await expect.poll(async () => (await page.clock.runFor(4000), pass.streams), { timeout: 60_000 }).toBeGreaterThan(4);
  await expect(page.getByText(/^Live figures do not get through/)).toBeVisible();
  await expect(page.getByText('42 %')).toBeHidden();
  await expect(page.getByRole('region', { name: 'Files' })).toBeHidden();
  await inspect(page, 'progress-polling');

  // Asking too often is no reason to give up.
  pass.status = 429;
  const questions = pass.questions;
  await expect.poll(async () => (await page.clock.runFor(4000), pass.questions), { timeout: 60_000 }).toBeGreaterThan(questions + 2);
  await expect(page.getByText(/^Live figures do not get through/)).toBeVisible();
  pass.status = 200;
  pass.through = true;
  await expect(async () => {
    await page.clock.runFor(4000);
    await expect(page.getByText('42 %')).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 60_000 });
  pass.log = { ...LOG, queued: false, overall_status: 'failed', error_message: 'It was stopped.' };
  await expect(async () => {
    await page.clock.runFor(4000);
    await expect(page.getByText('It was stopped.')).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 60_000 });
});

test('a page beyond the last leads to the last, and the sidebar leads to the whole list', async ({ page, request }) => {
  await Admin.of(request);
  await signIn(page, ADMIN, '/users?page=9');
  await expect(page.getByRole('row', { name: /ada/ })).toBeVisible();
  await expect(page).toHaveURL(/\/users$/);

  await page.goto('/backups?q=nothing-of-the-kind');
  await expect(page.getByText('Nothing matches')).toBeVisible();
  await navigation(page).filter({ hasText: 'Backup Sets' }).click();
  await expect(page.getByText('Nothing matches')).toBeHidden();
  await expect(page).toHaveURL(/\/backups$/);
  await expect(page.getByRole('searchbox', { name: 'Search Backup Sets' })).toHaveValue('');

  // The same when the search was typed here, and *back* shows it again.
  await page.getByRole('searchbox', { name: 'Search Backup Sets' }).fill('still nothing');
  await expect(page).toHaveURL(/q=still/);
  await navigation(page).filter({ hasText: 'Backup Sets' }).click();
  await expect(page).toHaveURL(/\/backups$/);
  await expect(page.getByText('Nothing matches')).toBeHidden();
});

/** Lets time pass until it is there. A look that was under way when time jumped may have taken the place of the one that was due. */
async function shows(page: Page, what: Locator) {
  await expect(async () => {
    await page.clock.fastForward(40_000);
    await expect(what).toBeVisible({ timeout: 3_000 });
  }).toPass({ timeout: 30_000 });
}

test('grids and the overview look again by themselves, and keep what they have when that fails', async ({ page, request }) => {
  const admin = await Admin.of(request);
  await admin.set('There before', 'there-before');
  await page.clock.install();
  await signIn(page, ADMIN, '/backups');
  await expect(page.getByRole('row', { name: /There before/ })).toBeVisible();
  await admin.set('Made elsewhere', 'made-elsewhere');
  await shows(page, page.getByRole('row', { name: /Made elsewhere/ }));

  const refused = { type: 'about:blank', title: 'Not now', status: 409, detail: 'Not now.', code: 'no_source' };
  const refuse = { status: 409, contentType: 'application/problem+json', body: JSON.stringify(refused) };
  await page.route('**/api/v1/backups?**', (route) => route.fulfill(refuse));
  await shows(page, page.getByText(/^This is of a while ago/));
  await expect(page.getByRole('row', { name: /Made elsewhere/ })).toBeVisible();
  await inspect(page, 'sets-stale');
  await page.unroute('**/api/v1/backups?**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText(/^This is of a while ago/)).toBeHidden();

  await navigation(page).filter({ hasText: 'Overview' }).click();
  await expect(page.getByRole('link', { name: 'Made elsewhere' })).toBeVisible();
  await page.route('**/api/v1/backups?**', (route) => route.fulfill(refuse));
  await shows(page, page.getByText(/^This is of a while ago/));
  await expect(page.getByRole('link', { name: 'Made elsewhere' })).toBeVisible();
  await page.unroute('**/api/v1/backups?**');

  // Coming back to the window looks again at once.
  const asked = page.waitForRequest('**/api/v1/backups?**');
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));
  await asked;
  await expect(page.getByText(/^This is of a while ago/)).toBeHidden();
});
