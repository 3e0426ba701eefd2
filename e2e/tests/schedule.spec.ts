import type { Page } from '@playwright/test';
import { expect, inspect, test } from './fixtures';
import { Admin } from './admin';
import { signIn } from './people';
import { ADMIN } from './server';

test.use({ story: 'at work' });

const runs = (page: Page) => page.getByRole('region', { name: 'Next runs' });
const times = (page: Page) => runs(page).getByRole('listitem');

test('the next runs follow the schedule while it is typed, in the configured zone', async ({ page, request }) => {
  const admin = await Admin.of(request);
  const config = await admin.call('GET', '/config');
  const { enabled, log_retention_days, max_parallel_passes } = config;
  const settings = { enabled, log_retention_days, max_parallel_passes };
  await admin.call('PUT', '/config', { ...settings, time_zone: 'Asia/Tokyo' });
  try {
    await signIn(page, ADMIN, '/backups/new');
    await expect(times(page)).toHaveCount(5);
    await expect(times(page)).toContainText(Array(5).fill('02:30'));
    await expect(runs(page)).toContainText('Asia/Tokyo');
    await page.getByLabel('Time of day').fill('04:15');
    await expect(times(page)).toContainText(Array(5).fill('04:15'));
    await page.getByRole('combobox', { name: 'Frequency' }).selectOption({ label: 'Every 4 hours' });
    await expect(times(page).nth(1)).toContainText('in 4 h');

    await page.getByRole('radio', { name: 'Cron expression' }).check({ force: true });
    await expect(runs(page)).toContainText('Complete the schedule');
    const cron = page.getByRole('textbox', { name: 'Cron expression' });
    await cron.fill('0 4 * * mon');
    await expect(times(page)).toContainText(Array(5).fill('04:00'));
    for (const time of await times(page).all()) await expect(time).toContainText(/^Mon/);
    await page.getByRole('textbox', { name: 'Delay by chance' }).fill('30');
    await expect(runs(page)).toHaveAttribute('aria-busy', 'false');
    await inspect(page, 'set-form-cron');

    // What is wrong is told at the field before anything is sent.
    await cron.fill('0 4 * * someday');
    await expect(cron).toHaveAttribute('aria-invalid', 'true');
    await expect(page.locator('#f-cron-error')).toBeVisible();
    await expect(runs(page)).toContainText('None, until the schedule is mended.');
    await inspect(page, 'set-form-cron-wrong');
    await cron.fill('0 5 * * *');
    await expect(cron).toHaveAttribute('aria-invalid', 'false');
    await expect(times(page)).toHaveCount(5);
    await page.getByRole('switch', { name: /^Scheduled/ }).press('Space');
    await expect(runs(page)).toContainText('It would run');
    await page.getByRole('textbox', { name: 'Title' }).fill('Delayed');
    await page.getByRole('textbox', { name: 'Try again after a failure' }).fill('often');
    await page.getByRole('textbox', { name: 'Address to call' }).fill('ping.example');
    await page.getByRole('button', { name: 'Save Backup Set' }).click();
    await expect(page.getByText('Enter a whole number, or 0 for never.')).toBeVisible();
    await expect(page.getByText('Write the whole address, beginning with https://.')).toBeVisible();
    await page.getByRole('textbox', { name: 'Try again after a failure' }).fill('3');
    await page.getByRole('textbox', { name: 'Wait before each attempt' }).fill('25');
    await page.getByRole('textbox', { name: 'Address to call' }).fill('https://ping.example/abc');
    await page.getByRole('button', { name: 'Save Backup Set' }).click();
    await expect(page.getByRole('row', { name: /Delayed/ })).toBeVisible();
    const made = (await admin.call('GET', '/backups?q=Delayed')).items[0];
    expect([made.cron, made.jitter_min, made.retry_attempts, made.retry_delay_min, made.ping_url]).toEqual(['0 5 * * *', 30, 3, 25, 'https://ping.example/abc']);
  } finally {
    await admin.call('PUT', '/config', { ...settings, time_zone: config.time_zone });
  }
});

test('an answer that comes late does not replace the one to what was typed last', async ({ page, request }) => {
  await Admin.of(request);
  const held: (() => Promise<void>)[] = [];
  await page.route(/\/api\/v1\/schedule\?.*05(:|%3A)00/, (route) => void held.push(() => route.fallback()));
  await signIn(page, ADMIN, '/backups/new');
  await expect(times(page)).toHaveCount(5);
  await page.getByLabel('Time of day').fill('05:00');
  await expect.poll(() => held.length).toBe(1);
  await page.getByLabel('Time of day').fill('06:00');
  await expect(times(page)).toContainText(Array(5).fill('06:00'));
  const late = page.waitForResponse(/\/api\/v1\/schedule\?.*05(:|%3A)00/);
  await held[0]();
  await (await late).finished();
  await page.waitForTimeout(200);
  await expect(times(page)).toContainText(Array(5).fill('06:00'));

  const problem = { type: 'about:blank', title: 'Not now', status: 409, detail: 'The reason is this.', code: 'no_source' };
  await page.route('**/api/v1/schedule?**', (route) =>
    route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify(problem) }),
  );
  await page.getByLabel('Time of day').fill('07:00');
  await expect(runs(page)).toContainText('They could not be worked out.');
  await page.unroute('**/api/v1/schedule?**');
  await runs(page).getByRole('button', { name: 'Try again' }).click();
  await expect(times(page)).toContainText(Array(5).fill('07:00'));
});

test('the configuration limits the time of a pass and says when a backup is missing', async ({ page, request }) => {
  const admin = await Admin.of(request);
  await signIn(page, ADMIN, '/config');
  const limit = page.getByRole('textbox', { name: 'Time limit' });
  const grace = page.getByRole('textbox', { name: 'Report a missing backup after' });
  await limit.fill('0');
  await grace.fill('soon');
  await page.getByRole('button', { name: 'Save configuration' }).click();
  await expect(page.getByText('Use 1 to 720 hours.')).toBeVisible();
  await expect(page.getByText('Use 1 to 10080 minutes.')).toBeVisible();
  await limit.fill('36');
  await grace.fill('90');
  // While it is sent nothing can be typed that the answer would take away.
  let go = () => {};
  const sent = new Promise<void>((done) => (go = done));
  await page.route('**/api/v1/config', async (route) => {
    if (route.request().method() === 'PUT') await sent;
    await route.fallback();
  });
  await limit.press('Enter');
  await expect(limit).toBeDisabled();
  go();
  await expect(page.getByText('The configuration was saved.')).toBeVisible();
  await expect(limit).toBeFocused();
  const { pass_time_limit_hours, missed_grace_min } = await admin.call('GET', '/config');
  expect([pass_time_limit_hours, missed_grace_min]).toEqual([36, 90]);
  await inspect(page, 'configuration-limits');
});
