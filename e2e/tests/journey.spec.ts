import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inspect, test } from './fixtures';
import { navigation, signIn, signOut } from './people';
import { ADMIN, SETUP_TOKEN, VIEWER } from './server';

// One story, in order: an empty server becomes one with an administrator, a Set, a copy, and a viewer.
test.describe.configure({ mode: 'serial' });

test('the first administrator is made with the set-up token, and only with it', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Set up Storekeep' })).toBeVisible();
  await inspect(page, 'set-up');

  await page.getByRole('textbox', { name: 'Set-up token' }).fill('not the token');
  await page.getByRole('textbox', { name: 'User name' }).fill('ada lovelace');
  await page.getByRole('textbox', { name: 'Password' }).fill('short');
  await page.getByRole('button', { name: 'Create administrator' }).click();
  await expect(page.getByText('Use at least 10 characters.')).toBeVisible();
  await expect(page.getByText('Use letters, digits, dots, dashes, underscores and @ only.')).toBeVisible();

  await page.getByRole('textbox', { name: 'User name' }).fill(ADMIN.username);
  await page.getByRole('textbox', { name: 'Password' }).fill(ADMIN.password);
  await page.getByRole('button', { name: 'Create administrator' }).click();
  await expect(page.getByText(/wrong set-up token/i).first()).toBeVisible();

  await page.getByRole('textbox', { name: 'Set-up token' }).fill(SETUP_TOKEN);
  await page.getByRole('button', { name: 'Create administrator' }).click();
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
  await expect(navigation(page)).toHaveText([/Overview/, /Backup Sets/, /Storage Sets/, /Backup Logs/, /Configuration/, /Users/, /Roles/]);
  await inspect(page, 'overview-empty');
  await signOut(page);
});

test('signing in needs the password, and a deep link leads where it says afterwards', async ({ page }) => {
  await page.goto('/config');
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await inspect(page, 'sign-in');
  await page.getByRole('textbox', { name: 'User name' }).fill(ADMIN.username);
  await page.getByRole('textbox', { name: 'Password' }).fill('the-wrong-password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText(/wrong user name or password/i).first()).toBeVisible();
  await page.getByRole('textbox', { name: 'Password' }).fill(ADMIN.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/config$/);
  await expect(page.getByRole('heading', { name: 'Configuration', level: 1 })).toBeVisible();
  await inspect(page, 'configuration');

  // The session outlives a reload: the page keeps no token, the cookie does.
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Configuration', level: 1 })).toBeVisible();
});

test('a Backup Set is made in the form, which says what is wrong where it is wrong', async ({ page }) => {
  await signIn(page, ADMIN, '/backups');
  await expect(page.getByText('No Backup Set yet')).toBeVisible();
  await inspect(page, 'sets-empty');
  await page.getByRole('link', { name: 'Add Backup Set' }).first().click();
  await expect(page.getByRole('heading', { name: 'Add Backup Set', level: 1 })).toBeVisible();

  await page.getByRole('textbox', { name: 'Title' }).fill('Nightly');
  await page.getByRole('textbox', { name: 'Folder name' }).fill('../nightly');
  await page.getByRole('textbox', { name: 'Copies to keep' }).fill('0');
  await page.getByRole('button', { name: 'Save Backup Set' }).click();
  await expect(page.getByText('Use letters, digits, dots, dashes and underscores only')).toBeVisible();
  await expect(page.getByText('Keep at least 1 copy')).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Folder name' })).toHaveAttribute('aria-invalid', 'true');

  await page.getByRole('textbox', { name: 'Folder name' }).fill('nightly');
  await page.getByRole('textbox', { name: 'Copies to keep' }).fill('3');
  // The pickers know the store.
  await expect(page.getByRole('list', { name: 'Directories of the store' })).toContainText('vendor');
  await page.getByRole('button', { name: 'Use the suggestions' }).click();
  await expect(page.getByText(/^Saves /)).toBeVisible();
  await inspect(page, 'set-form');
  await page.getByRole('tab', { name: /^Tables/ }).click();
  await expect(page.getByRole('tabpanel', { name: /^Tables/ })).toContainText('cron_schedule');
  await inspect(page, 'set-form-tables');
  await page.getByRole('button', { name: 'Save Backup Set' }).click();
  await expect(page).toHaveURL(/\/backups$/);
  await expect(page.getByRole('row', { name: /Nightly/ })).toContainText('Not run yet');

  // A title that is taken is told at its field.
  await page.getByRole('link', { name: 'Add Backup Set' }).first().click();
  await page.getByRole('textbox', { name: 'Title' }).fill('Nightly');
  await page.getByRole('textbox', { name: 'Folder name' }).fill('nightly-2');
  await page.getByRole('button', { name: 'Save Backup Set' }).click();
  await expect(page.getByRole('textbox', { name: 'Title' })).toHaveAttribute('aria-invalid', 'true');
});

test('Create Backup shows progress, ends in success, and its archives restore', async ({ page }) => {
  await signIn(page, ADMIN, '/backups');
  await page.getByRole('button', { name: 'Create Backup of Nightly' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Label' }).fill('v1.0.0');
  await dialog.getByRole('button', { name: 'Create Backup' }).click();
  await expect(page).toHaveURL(/\/logs\/\d+$/);
  await expect(page.getByRole('progressbar').first()).toBeVisible();
  await page.screenshot({ path: 'screenshots/progress-1440-light.png' });

  await expect(page.getByText('Success', { exact: true }).first()).toBeVisible({ timeout: 90_000 });
  await expect(page.getByText('v1.0.0')).toBeVisible();
  await expect(page.getByText('files/files.tgz').first()).toBeVisible();
  await expect(page.getByText('db/db.sql.gz').first()).toBeVisible();
  await inspect(page, 'log');

  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: /Download.*files\.tgz/ }).or(page.getByRole('link', { name: /Download.*files\.tgz/ })).first().click();
  const dir = mkdtempSync(join(tmpdir(), 'storekeep-download-'));
  const archive = join(dir, 'files.tgz');
  await (await download).saveAs(archive);
  const listing = execFileSync('tar', ['-tzf', archive], { maxBuffer: 1 << 26 }).toString();
  expect(listing).toContain('app/etc/env.php');
  rmSync(dir, { recursive: true });

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Backup Logs' }).click();
  await expect(page.getByRole('row', { name: /Nightly/ })).toContainText('Success');
  await inspect(page, 'logs');
  await page.goto('/backups');
  await expect(page.getByRole('row', { name: /Nightly/ })).toContainText('Success');
  await inspect(page, 'sets');
  await page.goto('/');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await inspect(page, 'overview');
});

test('the master switch refuses a pass, with the reason', async ({ page }) => {
  // Somebody else turns it off while this page is open.
  await signIn(page, ADMIN, '/backups');
  await page.getByRole('button', { name: 'Create Backup of Nightly' }).click();
  const config = await page.context().newPage();
  await config.goto('/config');
  await config.getByRole('switch', { name: 'Enabled' }).press('Space');
  await config.getByRole('button', { name: 'Save configuration' }).click();
  await expect(config.getByText('The configuration was saved.')).toBeVisible();
  await config.close();
  await page.getByRole('dialog').getByRole('button', { name: 'Create Backup' }).click();
  await expect(page.getByRole('dialog').getByText(/switched off/i).first()).toBeVisible();
  await page.goto('/config');
  await page.getByRole('switch', { name: 'Enabled' }).press('Space');
  await page.getByRole('button', { name: 'Save configuration' }).click();
  await expect(page.getByText('The configuration was saved.')).toBeVisible();
});

test('a viewer sees everything and is offered nothing to change', async ({ page }) => {
  await signIn(page, ADMIN, '/users');
  await inspect(page, 'users');
  await page.getByRole('link', { name: 'Add user' }).first().click();
  await page.getByRole('textbox', { name: 'User name' }).fill(VIEWER.username);
  await page.getByRole('textbox', { name: 'Password' }).fill(VIEWER.password);
  await page.getByRole('combobox', { name: 'Role' }).selectOption({ label: 'Viewer' });
  await page.getByRole('button', { name: 'Save user' }).click();
  await expect(page).toHaveURL(/\/users$/);
  await expect(page.getByRole('row', { name: /victor/ })).toContainText('Viewer');
  await page.goto('/roles');
  await expect(page.getByRole('row', { name: /Viewer/ })).toBeVisible();
  await inspect(page, 'roles');
  await signOut(page);

  await signIn(page, VIEWER, '/backups');
  await expect(navigation(page)).toHaveText([/Overview/, /Backup Sets/, /Storage Sets/, /Backup Logs/]);
  await expect(page.getByRole('row', { name: /Nightly/ })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Add Backup Set' })).toHaveCount(0);
  for (const name of [/Create Backup/, /Delete/, /Edit/]) {
    await expect(page.getByRole('button', { name })).toHaveCount(0);
  }
  await page.getByRole('link', { name: 'Nightly' }).click();
  await expect(page.getByText('Your role may look at Backup Sets, but not change them.')).toBeVisible();
  await expect(page.getByRole('button', { name: /Save/ })).toHaveCount(0);
  await inspect(page, 'set-as-viewer');
  // Looking includes looking for something.
  await expect(page.getByRole('checkbox', { name: /^vendor/ })).toBeDisabled();
  await page.getByRole('tab', { name: /^Tables/ }).click();
  const tables = page.getByRole('tabpanel', { name: /^Tables/ });
  await tables.getByRole('button', { name: /^Show \d+ more$/ }).click();
  await expect(tables.getByRole('button', { name: /^Show \d+ more$/ })).toHaveCount(0);
  await tables.getByRole('searchbox', { name: 'Search tables' }).fill('cron_sched');
  await expect(tables.getByRole('list', { name: /^Tables/ }).getByRole('listitem')).toHaveCount(1);
  await expect(tables.getByRole('checkbox', { name: /^cron_schedule/ })).toBeDisabled();
  await expect(page.getByRole('button', { name: 'Use the suggestions' })).toHaveCount(0);
  await inspect(page, 'set-tables-as-viewer');
  await signOut(page);
});

test('a page that does not exist says so, and an unknown asset is not answered with a page', async ({ page, request }) => {
  await signIn(page, ADMIN, '/nowhere');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Page not found');
  expect((await request.get('/assets/missing.js')).status()).toBe(404);
  const start = await request.get('/');
  expect(start.headers()['content-security-policy']).toContain("default-src 'none'");
});

test('the password can be changed, and the other sessions end', async ({ page, browser, baseURL }) => {
  const elsewhere = await (await browser.newContext({ baseURL })).newPage();
  await signIn(elsewhere, ADMIN, '/backups');
  await signIn(page, ADMIN, '/account/password');
  await inspect(page, 'password');
  await page.getByRole('textbox', { name: 'Current password' }).fill(ADMIN.password);
  await page.getByRole('textbox', { name: 'New password' }).fill('another-correct-horse');
  await page.getByRole('button', { name: 'Change password' }).last().click();
  await expect(page.getByText(/password (was|is) changed/i).first()).toBeVisible();
  await elsewhere.reload();
  await expect(elsewhere.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await signOut(page);
  await signIn(page, { ...ADMIN, password: 'another-correct-horse' });
});
