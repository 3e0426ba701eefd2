import type { Page } from '@playwright/test';
import { expect, inspect, test } from './fixtures';
import { Admin } from './admin';
import { navigation, signIn, signOut } from './people';
import { ADMIN, VIEWER } from './server';

// Its own server: the first grid is empty.
test.use({ story: 'storages' });
test.describe.configure({ mode: 'serial' });

const row = (page: Page, name: RegExp) => page.getByRole('row', { name });

/** What an input needs beside its type and title. */
const KEYS = { client_id: 'id-of-the-app', client_secret: 'a-secret-of-the-journeys' };

test('storages: the empty grid explains, and a type is chosen first', async ({ page, request }) => {
  await Admin.of(request);
  await signIn(page, ADMIN);
  await navigation(page).filter({ hasText: 'Storage Sets' }).click();
  await expect(page.getByText('No Storage Set yet')).toBeVisible();
  await inspect(page, 'storages-empty');
  await page.getByRole('link', { name: 'Add Storage Set' }).first().click();
  await expect(page.getByRole('heading', { name: 'Add Storage Set', level: 1 })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Save Storage Set' })).toHaveCount(0);
  await inspect(page, 'storage-types');

  // Each in the words of its provider.
  for (const [name, id, secret, picture] of [
    ['Google Drive', 'Client ID', 'Client secret', 'google'],
    ['OneDrive', 'Client ID', 'Client secret', 'onedrive'],
    ['Dropbox', 'App key', 'App secret', 'dropbox'],
    ['Amazon S3', 'Access key ID', 'Secret access key', 's3'],
  ] as const) {
    await page.getByRole('radio', { name }).check({ force: true });
    await expect(page.getByRole('textbox', { name: id })).toBeVisible();
    await expect(page.getByRole('textbox', { name: secret })).toBeVisible();
    await inspect(page, `storage-new-${picture}`);
  }
  await expect(page.getByRole('textbox', { name: 'Region' })).toHaveValue('us-east-1');
  await page.getByRole('radio', { name: 'OneDrive' }).check({ force: true });
  await expect(page.getByRole('textbox', { name: 'Tenant' })).toBeVisible();
  await expect(page.getByText(/\/oauth\/callback$/)).toBeVisible();
});

test('storages: Amazon S3 is checked where it is typed, and its test tells honestly that nobody answers', async ({ page }) => {
  await signIn(page, ADMIN, '/storages/new');
  await page.getByRole('radio', { name: 'Amazon S3' }).check({ force: true });
  await page.getByRole('button', { name: 'Save Storage Set' }).click();
  await expect(page.getByText('Give the Storage Set a title.')).toBeVisible();
  await expect(page.getByText('Enter the Access key ID.')).toBeVisible();
  await expect(page.getByText('Enter the Secret access key.')).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Title' })).toBeFocused();

  await page.getByRole('textbox', { name: 'Title' }).fill('Attic');
  await page.getByRole('textbox', { name: 'Access key ID' }).fill('GK31c2f218a2e44f485b94239e');
  await page.getByRole('textbox', { name: 'Secret access key' }).fill(KEYS.client_secret);
  await expect(page.getByRole('switch', { name: 'Path style' })).toHaveCount(0);
  await page.getByRole('textbox', { name: 'Endpoint' }).fill('ftp://127.0.0.1:9');
  await expect(page.getByRole('switch', { name: 'Path style' })).toBeChecked();
  await page.getByText('Advanced').click();
  await page.getByRole('textbox', { name: 'Bandwidth limit' }).fill('0.01');
  await page.getByRole('button', { name: 'Save Storage Set' }).click();
  await expect(page.getByText('Write the endpoint as https://host')).toBeVisible();
  await expect(page.getByText('Enter a number of at least 0.11 MB/s')).toBeVisible();
  await inspect(page, 'storage-form-refused');
  await page.getByRole('textbox', { name: 'Endpoint' }).fill('http://127.0.0.1:9');
  await page.getByRole('textbox', { name: 'Bandwidth limit' }).fill('12.5');
  await page.getByRole('button', { name: 'Save Storage Set' }).click();

  // The row itself, to test what was just made.
  await expect(page).toHaveURL(/\/storages\/\d+$/);
  await expect(page.getByRole('heading', { name: 'Attic', level: 1 })).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Secret access key' })).toHaveValue('');
  await expect(page.getByRole('textbox', { name: 'Secret access key' })).toHaveAttribute('placeholder', /Stored/);
  await expect(page.getByRole('textbox', { name: 'Bandwidth limit' })).toHaveValue('12.5');
  await inspect(page, 'storage-form-s3');
  await page.getByRole('button', { name: 'Test connection' }).click();
  const dialog = page.getByRole('dialog', { name: 'Test the connection of “Attic”' });
  await expect(dialog.getByText('The connection does not work')).toBeVisible({ timeout: 100_000 });
  await expect(dialog.getByRole('list', { name: 'Steps' })).toContainText('Account, failed');
  await inspect(page, 'storage-test-failed');
  await dialog.getByRole('textbox', { name: 'Bucket and folder' }).fill('Not A Bucket');
  await dialog.getByRole('button', { name: 'Test again' }).click();
  await expect(dialog.getByText("A bucket's name has 3 to 63")).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('button', { name: 'Test connection' })).toBeFocused();

  // What is typed and not saved cannot be tested.
  await page.getByRole('textbox', { name: 'Title' }).fill('Attic of the house');
  await expect(page.getByRole('button', { name: 'Test connection' })).toBeDisabled();
  await page.getByRole('button', { name: 'Save Storage Set' }).click();
  await expect(page.getByRole('heading', { name: 'Attic of the house', level: 1 })).toBeVisible();
  await expect(page.getByText('Unsaved changes')).toBeHidden();
});

test('storages: a test that goes well shows every step and the space that is left', async ({ page, request }) => {
  const admin = await Admin.of(request);
  await admin.call('POST', '/storages', { type: 'google_drive', title: 'Shop drive', ...KEYS });
  await page.route('**/api/v1/storages/*/test', (route) =>
    route.fulfill({
      json: {
        ok: true,
        account: 'ada@example.org',
        total_bytes: 15_000_000_000,
        used_bytes: 4_200_000_000,
        free_bytes: 10_800_000_000,
        path: 'Backups/Shop',
        steps: [
          { step: 'credentials', ok: true, message: 'The credentials are complete and can be read.' },
          { step: 'account', ok: true, message: 'The account is ada@example.org.' },
          { step: 'space', ok: true, message: '10.1 GiB are free.' },
          { step: 'write', ok: true, message: 'A small file was written.' },
          { step: 'read', ok: true, message: 'It was read back as it was written.' },
          { step: 'list', ok: true, message: 'It is in the list of its folder.' },
          { step: 'delete', ok: true, message: 'It was deleted.' },
        ],
        notes: [],
      },
    }),
  );
  await signIn(page, ADMIN, '/storages');
  await row(page, /Shop drive/).getByRole('button', { name: 'Test connection of Shop drive' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('The connection works')).toBeVisible();
  await expect(dialog.getByText('10.8 GB of 15.0 GB are free.')).toBeVisible();
  await expect(dialog.getByRole('meter', { name: 'Space used' })).toHaveAttribute('aria-valuenow', '28');
  await inspect(page, 'storage-test-good');
});

test('storages: the account is linked through the provider, step by step', async ({ page, context, request }) => {
  const admin = await Admin.of(request);
  const set = (await admin.call('GET', '/storages?q=Shop')).items[0];
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  // The provider's page, and a browser that comes back from it.
  let asked = '';
  await context.route('https://accounts.google.com/**', (route) => {
    asked = route.request().url();
    return route.fulfill({ contentType: 'text/html', body: '<title>Consent</title><h1>Consent</h1>' });
  });
  let linked = false;
  const answer = { ...set, linked: true, state: 'ready', account: 'ada@example.org', linked_at: new Date().toISOString(), warnings: [] };
  await page.route(`**/api/v1/storages/${set.id}`, (route) =>
    linked && route.request().method() === 'GET' ? route.fulfill({ json: answer }) : route.fallback(),
  );
  await signIn(page, ADMIN, `/storages/${set.id}`);
  await expect(page.getByText('No account is linked yet')).toBeVisible();
  await page.getByText('How to make the app at Google').click();
  await inspect(page, 'storage-link-guide');
  await page.getByRole('button', { name: 'Copy the redirect URI' }).last().click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(set.redirect_uri);

  // A change that is not saved comes first.
  await page.getByRole('textbox', { name: 'Title' }).fill('Shop drives');
  await page.getByRole('button', { name: 'Link the account' }).click();
  await expect(page.getByText('Save your changes first.').last()).toBeVisible();
  expect(asked).toBe('');
  await page.getByRole('textbox', { name: 'Title' }).fill('Shop drive');

  const opened = context.waitForEvent('page');
  await page.getByRole('button', { name: 'Link the account' }).click();
  const consent = await opened;
  await expect(consent).toHaveTitle('Consent');
  expect(await consent.evaluate(() => window.opener)).toBeNull();
  const query = new URL(asked).searchParams;
  expect(query.get('redirect_uri')).toBe(set.redirect_uri);
  expect(query.get('scope')).toContain('drive.file');
  await page.bringToFront();
  await expect(page.getByText('Waiting for your consent in the other tab')).toBeVisible();
  await inspect(page, 'storage-link-waiting');
  await consent.close();
  linked = true;
  await expect(page.getByText('Linked to', { exact: true })).toBeVisible();
  await expect(page.getByText('ada@example.org', { exact: true })).toBeVisible();
  await expect(page.getByText('Waiting for your consent')).toBeHidden();
  await inspect(page, 'storage-linked');

  // Again, with a browser that opens no tabs.
  await page.evaluate(() => (window.open = () => null));
  await page.getByText('Link again, or link another account').click();
  await page.getByRole('button', { name: 'Re-link the account' }).click();
  await expect(page.getByText('The browser opened no tab')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Open the page of Google' })).toHaveAttribute('href', /^https:\/\/accounts\.google\.com\//);
});

test('storages: a code that is copied by hand links as well, and another account asks first', async ({ page, request }) => {
  const admin = await Admin.of(request);
  const set = await admin.call('POST', '/storages', { type: 'dropbox', title: 'Box', ...KEYS });
  const sent: any[] = [];
  await page.route(`**/api/v1/storages/${set.id}`, async (route) => {
    if (route.request().method() !== 'PUT') return route.fallback();
    const input = route.request().postDataJSON();
    sent.push(input);
    if (!input.confirm_other_account) {
      return route.fulfill({
        status: 409,
        contentType: 'application/problem+json',
        json: {
          type: 'urn:storekeep:problem:other_account',
          title: 'Another account',
          status: 409,
          code: 'other_account',
          detail: 'The code is for bob@example.org, but the Storage Set is linked to ada@example.org. Choose ada, or agree (`confirm_other_account`).',
        },
      });
    }
    return route.fulfill({ json: { ...set, linked: true, state: 'ready', account: 'bob@example.org', linked_at: new Date().toISOString(), revision: 2 } });
  });
  await signIn(page, ADMIN, `/storages/${set.id}`);
  await page.getByText('The page after your consent did not open').click();
  await page.getByRole('button', { name: 'Link with the code' }).click();
  await expect(page.getByText('Paste the code, or the whole address.')).toBeVisible();
  await page.getByRole('textbox', { name: 'Authentication Code' }).fill(' https://shop.example.org/oauth/callback?code=abc&state=x ');
  await page.getByRole('button', { name: 'Link with the code' }).click();
  const question = page.getByRole('dialog', { name: 'Link another account?' });
  await expect(question).toContainText('The code is for bob@example.org');
  await expect(question).not.toContainText('confirm_other_account');
  await inspect(page, 'storage-other-account');
  await question.getByRole('button', { name: 'Link it' }).click();
  await expect(page.getByText('bob@example.org', { exact: true })).toBeVisible();
  expect(sent.map((input) => [input.authentication_code, input.confirm_other_account])).toEqual([
    ['https://shop.example.org/oauth/callback?code=abc&state=x', false],
    ['https://shop.example.org/oauth/callback?code=abc&state=x', true],
  ]);
  expect(sent[0]).not.toHaveProperty('client_secret');

  // Another app ends the link, which is asked as well.
  await page.getByRole('textbox', { name: 'App key' }).fill('id-of-another-app');
  await page.getByRole('button', { name: 'Save Storage Set' }).click();
  const other = page.getByRole('dialog', { name: 'End the link to this account?' });
  await other.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('textbox', { name: 'App key' })).toHaveValue('id-of-another-app');
  await page.getByRole('button', { name: 'Save Storage Set' }).click();
  await other.getByRole('button', { name: 'Save and end the link' }).click();
  await expect(other).toBeHidden();
  await expect(page.getByText('“Box” was saved.')).toBeVisible();
  expect(sent.slice(2).map((input) => [input.client_id, input.confirm_other_account])).toEqual([
    ['id-of-another-app', false],
    ['id-of-another-app', false],
    ['id-of-another-app', true],
  ]);
});

test('storages: a change by somebody else is not written over unasked', async ({ page, request }) => {
  const admin = await Admin.of(request);
  const set = (await admin.call('GET', '/storages?q=Box')).items[0];
  await signIn(page, ADMIN, `/storages/${set.id}`);
  await page.getByRole('textbox', { name: 'Title' }).fill('My box');
  await admin.call('PUT', `/storages/${set.id}`, { type: 'dropbox', title: 'Their box', client_id: KEYS.client_id });
  await page.getByRole('button', { name: 'Save Storage Set' }).click();
  const dialog = page.getByRole('dialog', { name: 'Changed meanwhile' });
  await dialog.getByRole('button', { name: 'Overwrite' }).click();
  await expect(page.getByRole('heading', { name: 'My box', level: 1 })).toBeVisible();
  // A title that is taken is told at its field.
  await page.getByRole('textbox', { name: 'Title' }).fill('Shop drive');
  await page.getByRole('button', { name: 'Save Storage Set' }).click();
  await expect(page.getByText("Another Storage Set is called 'Shop drive'.")).toBeVisible();
});

test('storages: destinations of a Backup Set are chosen, ordered and kept', async ({ page, request }) => {
  const admin = await Admin.of(request);
  await signIn(page, ADMIN, '/backups/new');
  await page.getByRole('textbox', { name: 'Title' }).fill('Everywhere');
  const rows = page.getByRole('list', { name: 'Destinations' }).getByRole('listitem');
  await expect(rows).toHaveCount(1);
  for (const name of ['Attic of the house', 'Shop drive', 'My box']) {
    await page.getByRole('button', { name: 'Add destination' }).click();
    if (name === 'My box') await inspect(page, 'set-form-add-destination');
    await page.getByRole('button', { name: new RegExp(`^${name}`) }).click();
    await expect(page.getByRole('switch', { name: new RegExp(`^${name}`) })).toBeFocused();
  }
  await expect(rows).toContainText(['This server', 'Attic of the house', 'Shop drive', 'My box']);
  await expect(rows.nth(2)).toContainText('No account is linked yet');
  await expect(rows.nth(0).getByRole('button', { name: /Move/ })).toHaveCount(0);

  // What is wrong is told at its row, and goes with it.
  await page.getByRole('button', { name: 'Save Backup Set' }).click();
  await expect(rows.nth(1)).toContainText('Name the bucket');
  await inspect(page, 'set-form-destinations');
  await page.getByRole('button', { name: 'Move Attic of the house down' }).click();
  await expect(rows).toContainText(['This server', 'Shop drive', 'Attic of the house', 'My box']);
  await expect(rows.nth(2)).toContainText('Name the bucket');
  await expect(page.getByRole('button', { name: 'Move Attic of the house down' })).toBeFocused();
  await expect(page.getByText('Attic of the house is now 3 of 4.')).toBeAttached();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Move Attic of the house up' })).toBeFocused();
  // High enough that nothing has to scroll while it is dragged.
  await page.setViewportSize({ width: 1440, height: 1500 });
  await rows.nth(3).locator('.drag').dragTo(rows.nth(1));
  await expect(rows).toContainText(['This server', 'Attic of the house', 'Shop drive', 'My box']);
  await rows.nth(1).getByRole('textbox', { name: 'Bucket and folder' }).fill('shop-backups/nightly/');
  await rows.nth(1).getByRole('textbox', { name: 'Copies to keep' }).fill('30');
  await page.getByRole('button', { name: 'Remove My box' }).click();
  await page.getByRole('button', { name: 'Remove This server' }).click();
  await expect(page.getByText('No copy stays on this server.')).toBeVisible();
  await page.getByRole('button', { name: 'Save Backup Set' }).click();
  await expect(row(page, /Everywhere/)).toContainText('Attic of the house');
  await expect(row(page, /Everywhere/)).toContainText('Shop drive');
  await inspect(page, 'sets-with-destinations');
  const set = (await admin.call('GET', '/backups?q=Everywhere')).items[0];
  expect(set.storages.map((r: any) => [r.enabled, r.keep_copies, r.path])).toEqual([
    [true, 30, 'shop-backups/nightly/'],
    [true, 7, ''],
  ]);
});

test('storages: what is in use is not deleted, and says who uses it', async ({ page }) => {
  await signIn(page, ADMIN, '/storages');
  await expect(row(page, /Attic of the house/)).toContainText('Everywhere');
  await inspect(page, 'storages');
  await page.getByRole('button', { name: 'Delete Attic of the house' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('is in use');
  await expect(dialog.getByRole('button', { name: 'Delete' })).toHaveCount(0);
  await inspect(page, 'storage-in-use');
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await page.getByRole('button', { name: 'Delete My box' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(row(page, /My box/)).toHaveCount(0);
  await page.getByRole('button', { name: 'Delete Attic of the house' }).click();
  await dialog.getByRole('link', { name: 'Everywhere' }).click();
  await expect(page.getByRole('heading', { name: 'Everywhere', level: 1 })).toBeVisible();
});

test('storages: the bell counts what is open, and is honest when it cannot ask', async ({ page }) => {
  const at = new Date(Date.now() - 3 * 3600_000).toISOString();
  let open = [
    { id: 3, severity: 'error', title: 'Link the account of “Shop drive” again', message: 'Google has ended the link: the token was revoked. Backups go on; nothing was deleted.', created_at: at, dismissed_at: null },
    { id: 2, severity: 'warning', title: 'The secret of “Cloud” ends soon', message: 'It ends in 14 days. Make a new one and enter it.', created_at: at, dismissed_at: null },
    { id: 1, severity: 'info', title: 'Storekeep was updated', message: 'Version 0.3.0 runs now.', created_at: at, dismissed_at: null },
  ];
  let answers = true;
  await page.route('**/api/v1/notifications**', (route) => {
    const dismissed = /notifications\/(\d+)\/dismiss/.exec(route.request().url());
    if (dismissed) {
      open = open.filter((n) => n.id !== Number(dismissed[1]));
      return route.fulfill({ status: 204 });
    }
    if (!answers) return route.fulfill({ status: 429, contentType: 'application/problem+json', body: '{}' });
    return route.fulfill({ json: { items: open, page: 1, per_page: 20, total: open.length } });
  });
  await signIn(page, ADMIN);
  const bell = page.getByRole('button', { name: /^Inbox, / }).filter({ visible: true });
  await expect(bell).toHaveAccessibleName('Inbox, 3 open');
  await bell.click();
  await expect(bell).toHaveAttribute('aria-expanded', 'true');
  const inbox = page.getByRole('region', { name: 'Inbox' });
  await expect(inbox.getByRole('listitem')).toHaveCount(3);
  await inspect(page, 'bell');
  // On a phone it stands in the bar at the top.
  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 390, height: 844 });
  await bell.click();
  await expect(inbox.getByRole('listitem')).toHaveCount(3);
  await page.screenshot({ path: 'screenshots/bell-phone.png' });
  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 1440, height: 900 });
  await bell.click();
  await inbox.getByRole('button', { name: /^Dismiss “The secret/ }).click();
  await expect(bell).toHaveAccessibleName('Inbox, 2 open');
  await expect(inbox.getByRole('heading', { name: 'Inbox' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(inbox).toBeHidden();
  await expect(bell).toBeFocused();

  answers = false;
  await bell.click();
  await expect(inbox.getByText('This is of a while ago')).toBeVisible();
  await expect(inbox.getByRole('listitem')).toHaveCount(2);
  answers = true;
  open = [];
  await inbox.getByRole('button', { name: 'Try again' }).click();
  await expect(inbox.getByText('Nothing needs you')).toBeVisible();
  await expect(bell).toHaveAccessibleName('Inbox, nothing open');
  await inspect(page, 'bell-empty');
});

test('storages: who may only look is offered nothing to change', async ({ page, request }) => {
  const admin = await Admin.of(request);
  await admin.person(VIEWER.username, VIEWER.password, ['backups', 'storages', 'logs']);
  const set = (await admin.call('GET', '/storages?q=Shop')).items[0];
  await signIn(page, VIEWER, '/storages');
  await expect(row(page, /Shop drive/)).toBeVisible();
  await expect(page.getByRole('link', { name: 'Add Storage Set' })).toHaveCount(0);
  await expect(page.getByRole('button', { name: /Test connection|Delete/ })).toHaveCount(0);
  await page.goto(`/storages/${set.id}`);
  await expect(page.getByText('Your role may look at Storage Sets, but not change them.')).toBeVisible();
  await expect(page.getByRole('button', { name: /Save|Link|Test/ })).toHaveCount(0);
  await expect(page.getByRole('textbox', { name: 'Title' })).toBeDisabled();
  await inspect(page, 'storage-as-viewer');
  const backup = (await admin.call('GET', '/backups?q=Everywhere')).items[0];
  await page.goto(`/backups/${backup.id}`);
  await expect(page.getByRole('list', { name: 'Destinations' })).toContainText('Shop drive');
  await expect(page.getByRole('button', { name: /Add destination|Remove|Move/ })).toHaveCount(0);
  await inspect(page, 'set-destinations-as-viewer');
  await signOut(page);

  // Whoever makes Backup Sets and may not see Storage Sets can still send copies there.
  const editor = { username: 'edda', password: 'makes-backup-sets' };
  await admin.person(editor.username, editor.password, ['backups', 'backups_save']);
  await signIn(page, editor, `/backups/${backup.id}`);
  await expect(navigation(page).filter({ hasText: 'Storage Sets' })).toHaveCount(0);
  await page.getByRole('textbox', { name: 'Title' }).fill('Everywhere else');
  await page.getByRole('button', { name: 'Save Backup Set' }).click();
  await expect(row(page, /Everywhere else/)).toContainText('Attic of the house');
  expect((await admin.call('GET', `/backups/${backup.id}`)).storages).toEqual(backup.storages);
});
