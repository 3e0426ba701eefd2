import { expect, inspect, test } from './fixtures';
import { Admin } from './admin';
import { navigation, signIn } from './people';
import { ADMIN } from './server';

test.use({ story: 'at work' });

test('a line that was typed but not added is a change, and is saved', async ({ page, request }) => {
  const admin = await Admin.of(request);
  const { id } = await admin.set('Lines', 'lines');
  await signIn(page, ADMIN, `/backups/${id}`);
  await page.getByRole('textbox', { name: 'Other paths and patterns' }).fill('/pub/media/tmp/');
  await expect(page.getByText('Unsaved changes')).toBeVisible();
  await page.getByRole('button', { name: 'Save Backup Set' }).click();
  await expect(page).toHaveURL(/\/backups$/);
  expect((await admin.call('GET', `/backups/${id}`)).exclude_directories).toEqual(['pub/media/tmp']);

  // Going on elsewhere in the form adds the line, too.
  await page.goto(`/backups/${id}`);
  await page.getByRole('tab', { name: /^Tables/ }).click();
  const field = page.getByRole('textbox', { name: 'Names and patterns' });
  await field.fill('report_*');
  await page.getByRole('textbox', { name: 'Title' }).focus();
  await expect(page.getByRole('list', { name: 'Names and patterns' })).toContainText('report_*');
  await expect(field).toHaveValue('');
});

test('nothing leaves a form with changes unasked: no backup, no sign-out; a new tab leaves nothing', async ({ page, request, context }) => {
  const { id } = await (await Admin.of(request)).set('Held', 'held');
  await signIn(page, ADMIN, `/backups/${id}`);
  await expect(page.getByRole('button', { name: 'Create Backup' })).toBeEnabled();
  await page.getByRole('textbox', { name: 'Title' }).fill('Held for now');
  await expect(page.getByRole('button', { name: 'Create Backup' })).toBeDisabled();
  await expect(page.getByText('Save your changes first.')).toBeVisible();
  await inspect(page, 'set-form-changed');

  await page.getByRole('button', { name: 'Account' }).filter({ visible: true }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  const question = page.getByRole('dialog', { name: 'Leave without saving?' });
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('textbox', { name: 'Title' })).toHaveValue('Held for now');

  const opened = context.waitForEvent('page');
  await navigation(page).filter({ hasText: 'Backup Logs' }).click({ modifiers: ['ControlOrMeta'] });
  await (await opened).close();
  await expect(question).toBeHidden();
  await navigation(page).filter({ hasText: 'Backup Logs' }).click();
  await expect(question).toBeVisible();
  await question.getByRole('button', { name: 'Cancel' }).click();

  await page.getByRole('button', { name: 'Account' }).filter({ visible: true }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await question.getByRole('button', { name: 'Leave' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('what is wrong comes into view: without a field, and behind another tab', async ({ page, request }) => {
  const { id } = await (await Admin.of(request)).set('Wrong', 'wrong');
  await signIn(page, ADMIN, `/backups/${id}`);
  await page.getByRole('tab', { name: /^Tables/ }).click();
  await page.getByRole('textbox', { name: 'Names and patterns' }).fill('not/a/table');
  await page.getByRole('button', { name: /Add: Names/ }).click();
  await page.getByRole('tab', { name: /^Directories/ }).click();
  await page.getByRole('button', { name: 'Save Backup Set' }).click();
  await expect(page.getByRole('tab', { name: /^Tables/ })).toHaveAttribute('aria-selected', 'true');
  await expect(page.locator('#exclude-table-error')).toContainText('Write a table name');
  await expect(page.locator('#exclude-table-error')).toBeInViewport();
  await expect(page.getByRole('textbox', { name: 'Names and patterns' })).toBeFocused();
  await inspect(page, 'set-form-refused');
  await page.getByRole('button', { name: 'Remove not/a/table' }).click();

  const problem = {
    type: 'about:blank',
    title: 'Not possible now',
    status: 409,
    detail: 'The reason is this.',
    code: 'no_source',
  };
  await page.route(`**/api/v1/backups/${id}`, (route) =>
    route.request().method() === 'PUT'
      ? route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify(problem) })
      : route.fallback(),
  );
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await page.getByRole('button', { name: 'Save Backup Set' }).click();
  await expect(page.getByText('The reason is this.')).toBeInViewport();
  await inspect(page, 'set-form-problem');

  // A mistake of a field that this form does not have.
  await page.unroute(`**/api/v1/backups/${id}`);
  await page.route(`**/api/v1/backups/${id}`, (route) =>
    route.request().method() === 'PUT'
      ? route.fulfill({
          status: 422,
          contentType: 'application/problem+json',
          body: JSON.stringify({ ...problem, status: 422, code: 'invalid', errors: [{ field: 'colour', code: 'x', message: 'No colour fits.' }] }),
        })
      : route.fallback(),
  );
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await page.getByRole('button', { name: 'Save Backup Set' }).click();
  await expect(page.getByText('No colour fits.')).toBeInViewport();
});

test('problems of the store can be looked at again, and the master switch holds every backup back', async ({ page, request }) => {
  await (await Admin.of(request)).set('Switched', 'switched');
  let asked = 0;
  let problems: unknown[] = [];
  await page.route('**/api/v1/source', async (route) => {
    asked += 1;
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), problems } });
  });
  problems = [
    { severity: 'warning', code: 'switched_off', message: 'Backups are switched off.', remedy: 'Switch them on under Configuration.' },
    { severity: 'error', code: 'missing_grant', message: 'The database user may not read events.', remedy: 'GRANT EVENT ON shop.* TO shop@localhost;' },
  ];
  await page.clock.install();
  await signIn(page, ADMIN, '/backups');
  const button = page.getByRole('row', { name: /Switched/ }).getByRole('button', { name: /Create Backup/ });
  await expect(page.getByText('Backups are switched off.')).toBeVisible();
  await expect(button).toBeDisabled();
  await expect(button).toHaveAttribute('title', /Switch them on under Configuration/);
  await inspect(page, 'sets-switched-off');
  await navigation(page).filter({ hasText: 'Overview' }).click();
  await expect(page.getByText('Backups are switched off.')).toBeVisible();
  await expect(page.getByText('may not read events')).toBeVisible();
  await inspect(page, 'overview-problems');
  expect(asked, 'a fresh report is shared').toBe(1);

  problems = [];
  await page.getByRole('button', { name: 'Look again' }).click();
  await expect(page.getByText('Backups are switched off.')).toBeHidden();
  expect(asked).toBe(2);
  await navigation(page).filter({ hasText: 'Backup Sets' }).click();
  await expect(button).toBeEnabled();
  expect(asked).toBe(2);

  // A report of more than a minute ago is asked for anew where it is shown.
  await page.clock.fastForward('01:05');
  await page.getByRole('link', { name: 'Switched', exact: true }).click();
  await expect.poll(() => asked).toBe(3);
  await expect(page.getByRole('tabpanel', { name: /^Directories/ }).getByRole('button', { name: 'Look again' })).toBeVisible();
});

test('while a Storage Set is saved its fields wait, and the one that was typed in is typed in afterwards', async ({ page, request }) => {
  const admin = await Admin.of(request);
  const keys = { client_id: 'id-of-the-app', client_secret: 'a-secret-of-the-journeys' };
  const { id } = await admin.call('POST', '/storages', { title: 'Patient', type: 'dropbox', ...keys });
  await signIn(page, ADMIN, `/storages/${id}`);
  let go = () => {};
  const sent = new Promise<void>((done) => (go = done));
  await page.route(`**/api/v1/storages/${id}`, async (route) => {
    if (route.request().method() === 'PUT') await sent;
    await route.fallback();
  });
  const title = page.getByRole('textbox', { name: 'Title' });
  await title.fill('Patient as ever');
  await title.press('Enter');
  await expect(title).toBeDisabled();
  go();
  await expect(page.getByText('“Patient as ever” was saved.')).toBeVisible();
  await expect(title).toBeEnabled();
  await expect(title).toBeFocused();

  // A number that can be read in two ways is asked about.
  await page.getByText('Advanced').click();
  await page.getByRole('textbox', { name: 'Bandwidth limit' }).fill('1,000');
  await page.getByRole('button', { name: 'Save Storage Set' }).click();
  await expect(page.getByText('This can be read as 1000 or as 1: write one of the two.')).toBeVisible();
  await page.getByRole('textbox', { name: 'Bandwidth limit' }).fill('');
});
