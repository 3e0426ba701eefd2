import { expect, inspect, test } from './fixtures';
import { Admin } from './admin';
import { navigation, signIn, signOut } from './people';
import { ADMIN } from './server';

test.use({ story: 'at work' });

test('a session that ends while somebody types takes nothing of it away', async ({ page, request }) => {
  const admin = await Admin.of(request);
  const clara = { username: 'clara', password: 'only-for-a-moment' };
  const { id, roleId } = await admin.person(clara.username, clara.password, ['backups', 'backups_save', 'logs']);
  await signIn(page, clara, '/backups/new');
  await page.getByRole('textbox', { name: 'Title' }).fill('Long thought about');
  clara.password = 'a-new-one-from-above';
  await admin.call('PUT', `/users/${id}`, { ...clara, role_id: roleId, enabled: true });
  await page.getByRole('button', { name: 'Save Backup Set' }).click();

  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await expect(page.getByText('what you typed is still there')).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'User name' })).toHaveValue('clara');
  await expect(page.getByRole('textbox', { name: 'Password' })).toBeFocused();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await inspect(page, 'sign-in-again');
  await page.getByRole('textbox', { name: 'Password' }).fill(clara.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Add Backup Set' })).toBeVisible();
  await expect(page).toHaveTitle(/^Add Backup Set/);
  await expect(page.getByRole('textbox', { name: 'Title' })).toHaveValue('Long thought about');
  await page.getByRole('button', { name: 'Save Backup Set' }).click();
  await expect(page.getByRole('row', { name: /Long thought about/ })).toBeVisible();
});

test('a session that another user takes over shows nothing of the first', async ({ page, request }) => {
  const admin = await Admin.of(request);
  const dora = { username: 'dora', password: 'only-for-a-moment' };
  const { id, roleId } = await admin.person(dora.username, dora.password, ['backups', 'backups_save']);
  await signIn(page, dora, '/backups/new');
  await page.getByRole('textbox', { name: 'Title' }).fill('Not for others');
  await admin.call('PUT', `/users/${id}`, { username: 'dora', password: 'a-new-one-from-above', role_id: roleId, enabled: true });
  await page.getByRole('button', { name: 'Save Backup Set' }).click();
  await page.getByRole('textbox', { name: 'User name' }).fill(ADMIN.username);
  await page.getByRole('textbox', { name: 'Password' }).fill(ADMIN.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(navigation(page)).toHaveCount(7);
  await expect(page.getByRole('textbox', { name: 'Title' })).toHaveValue('');
});

test('what somebody may do, and who they are, is looked at with every new token', async ({ page, request, context }) => {
  const admin = await Admin.of(request);
  const emil = { username: 'emil', password: 'promoted-this-morning' };
  const { roleId } = await admin.person(emil.username, emil.password, ['backups']);
  await page.clock.install();
  await signIn(page, emil);
  await expect(navigation(page)).toHaveText([/Overview/, /Backup Sets/]);
  await admin.call('PUT', `/roles/${roleId}`, { name: 'Role of emil', resources: ['backups', 'logs'] });
  await page.clock.fastForward('16:00');
  await expect(navigation(page)).toHaveText([/Overview/, /Backup Sets/, /Backup Logs/]);
  await expect(page.getByText('What you may do has changed.')).toBeVisible();

  // Somebody else signs in in this browser: the cookie is theirs now.
  await context.request.post('/api/v1/auth/login', { data: ADMIN });
  await page.clock.fastForward('16:00');
  await expect(navigation(page)).toHaveCount(7);
  await expect(page.getByText('You are signed in as “ada” now.')).toBeVisible();
});

test('tabs follow one another, and one that wakes late signs nobody out', async ({ page, request, context }) => {
  await Admin.of(request);
  await signIn(page, ADMIN);
  const other = await context.newPage();
  await other.goto('/backups');
  await expect(navigation(other)).toHaveCount(7);
  await signOut(page);
  await expect(other.getByText('You signed out in another tab.')).toBeVisible();
  await signIn(page, ADMIN);
  await expect(navigation(other)).toHaveCount(7);

  // The news of the sign-out comes late, after the new sign-in.
  await other.evaluate(() =>
    window.dispatchEvent(new StorageEvent('storage', { key: 'storekeep.signed-in', oldValue: '1', newValue: null })),
  );
  await navigation(other).filter({ hasText: 'Backup Logs' }).click();
  await expect(other.getByRole('heading', { name: 'Backup Logs' })).toBeVisible();
  await page.reload();
  await expect(navigation(page)).toHaveCount(7);
});
