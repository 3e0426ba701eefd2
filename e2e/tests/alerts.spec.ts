import type { Page } from '@playwright/test';
import { Admin } from './admin';
import { expect, inspect, test } from './fixtures';
import { navigation, signIn } from './people';
import { MailServer, Receiver, closedPort, signed } from './receivers';
import { ADMIN } from './server';

test.use({ story: 'being told' });

const SECRET = 'a-secret-of-the-journeys';

function card(page: Page, name: string) {
  return page.locator('section.card').filter({ has: page.getByRole('heading', { name, exact: true }) });
}

async function save(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Save alerts' }).click();
  await expect(page.getByText('The alerts were saved.').last()).toBeVisible();
  await expect(page.getByText('Unsaved changes')).toBeHidden();
  await page.getByRole('button', { name: 'Dismiss' }).first().click();
}

function mailInput(server: MailServer) {
  const email = { enabled: true, host: '127.0.0.1', port: server.port, security: 'none', username: 'u', password: 'p', from: 'a@example.org', to: ['b@example.org'] };
  return { email, webhook: { enabled: false } };
}

test('word goes by e-mail and to a webhook, and what hinders it is told', async ({ page, request }) => {
  const admin = await Admin.of(request);
  const [mail, receiver] = [await MailServer.start(), await Receiver.start()];
  try {
    await signIn(page, ADMIN, '/config');
    await page.getByRole('navigation', { name: 'Configuration' }).getByRole('link', { name: 'Alerts' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Alerts' })).toBeFocused();
    await expect(page).toHaveTitle(/Alerts/);
    await expect(page.getByText('The inbox alone tells so far')).toBeVisible();
    await expect(navigation(page).filter({ hasText: 'Configuration' })).toHaveAttribute('aria-current', 'page');
    const [email, webhook] = [card(page, 'E-mail'), card(page, 'Webhook')];
    await expect(email.getByRole('button', { name: /Send a test/ })).toBeDisabled();
    await expect(webhook.getByText('Save an address first.')).toBeVisible();
    await inspect(page, 'alerts-empty');

    // What is switched on needs to know where to.
    await email.getByRole('switch').press(' ');
    await page.getByRole('button', { name: 'Save alerts' }).click();
    await expect(email.getByText('Enter the mail server, or switch e-mail off.')).toBeVisible();
    await expect(email.getByText('Enter at least one address that messages go to.')).toBeVisible();
    await expect(email.getByRole('textbox', { name: 'Host' })).toBeFocused();
    await inspect(page, 'alerts-refused');

    const port = email.getByRole('textbox', { name: 'Port' });
    const security = email.getByRole('combobox', { name: 'Security' });
    await expect(port).toHaveValue('465');
    await security.selectOption('STARTTLS');
    await expect(port).toHaveValue('587');
    await port.fill(String(mail.port));
    await security.selectOption('None, in clear');
    await expect(port).toHaveValue(String(mail.port));
    await email.getByRole('textbox', { name: 'Host' }).fill('127.0.0.1');
    await email.getByRole('textbox', { name: 'User name' }).fill('storekeep');
    await email.getByRole('textbox', { name: 'Password' }).fill('hunter2-hunter2');
    await email.getByRole('textbox', { name: 'From' }).fill('backups@example.org');
    const to = email.getByRole('textbox', { name: 'Recipients' });
    await to.fill('ops@example.org, nobody');
    await to.press('Enter');
    await expect(email.getByText('“nobody”: Write a plain e-mail address')).toBeVisible();
    await email.getByRole('button', { name: 'Remove nobody' }).click();
    await expect(email.getByText('“nobody”')).toBeHidden();
    // Typed and not added: meant all the same.
    await to.fill('boss@example.org');
    await save(page);
    await expect(email.getByRole('list', { name: 'Recipients' })).toContainText('boss@example.org');
    await expect(email.getByRole('textbox', { name: 'Password' })).toHaveValue('');
    await expect(email.getByText('Is set')).toBeVisible();
    await expect(page.getByText('The inbox alone tells so far')).toBeHidden();

    await email.getByRole('button', { name: /Send a test/ }).click();
    await expect(email.getByText('The mail server took a message for ops@example.org, boss@example.org.')).toBeVisible();
    expect(mail.mails).toHaveLength(1);
    expect(mail.mails[0]).toMatchObject({ user: 'storekeep', password: 'hunter2-hunter2', to: ['ops@example.org', 'boss@example.org'] });
    expect(mail.mails[0].text).toContain('This is a test message.');

    // A receiver in one's own network is a choice of its own.
    await webhook.getByRole('switch', { name: /^Enabled/ }).press(' ');
    await webhook.getByRole('textbox', { name: 'URL' }).fill(receiver.url);
    await webhook.getByRole('textbox', { name: 'Secret' }).fill('short');
    await expect(webhook.getByRole('button', { name: /Send a test/ })).toBeDisabled();
    await expect(email.getByText('Save your changes first: a test uses what is saved.')).toBeVisible();
    await page.getByRole('button', { name: 'Save alerts' }).click();
    await expect(webhook.getByText('Use 16 to 500 characters')).toBeVisible();
    await webhook.getByRole('textbox', { name: 'Secret' }).fill(SECRET);
    await save(page);
    await expect(email.getByText('The test was sent')).toBeHidden();
    await webhook.getByRole('button', { name: /Send a test/ }).click();
    await expect(webhook.getByText('The test was not sent')).toBeVisible();
    await expect(webhook.getByText('has a private address, which nothing was sent to')).toBeVisible();
    expect(receiver.calls).toHaveLength(0);
    await webhook.getByRole('switch', { name: /^Allow private addresses/ }).press(' ');
    await expect(webhook.getByText('Allow it for a receiver of your own alone.')).toBeVisible();
    const sent = page.waitForRequest((r) => r.method() === 'PUT');
    await save(page);
    const body = (await sent).postDataJSON();
    expect([body.email.password, body.webhook.secret], 'what was not touched is not sent').toEqual([undefined, undefined]);
    await webhook.getByRole('button', { name: /Send a test/ }).click();
    await expect(webhook.getByText('The webhook took a message.')).toBeVisible();
    await email.getByRole('button', { name: /Send a test/ }).click();
    await expect(email.getByText('The test was sent')).toBeVisible();
    expect(receiver.calls).toHaveLength(1);
    const [call] = receiver.calls;
    expect(JSON.parse(call.body).event).toBe('test');
    expect(signed(SECRET, String(call.headers['x-storekeep-signature']), call.body)).toBe(true);
    await inspect(page, 'alerts-sent');

    // Nobody listens there.
    await port.fill(String(await closedPort()));
    await save(page);
    await email.getByRole('button', { name: /Send a test/ }).click();
    await expect(email.getByText('The test was not sent')).toBeVisible();
    await expect(email.getByText('could not be talked to. Check its name, its port')).toBeVisible();
    await email.getByText('The test was not sent').scrollIntoViewIfNeeded();
    await inspect(page, 'alerts-failed');
    expect((await admin.call('GET', '/alerts')).email).toMatchObject({ password_set: true, port: Number(await port.inputValue()) });
  } finally {
    mail.stop();
    receiver.stop();
  }
});

test('a test that takes its time says so', async ({ page, request }) => {
  const mail = await MailServer.start();
  try {
    await (await Admin.of(request)).call('PUT', '/alerts', mailInput(mail));
    await signIn(page, ADMIN, '/config/alerts');
    const email = card(page, 'E-mail');
    const button = email.getByRole('button', { name: /Send a test/ });
    const release = mail.hold();
    await button.click();
    await expect(email.getByText('Talking to the mail server…')).toBeVisible();
    await expect(email.getByRole('progressbar', { name: 'Send a test by e-mail' })).toBeVisible();
    await button.click();
    await expect(button).toBeFocused();
    await inspect(page, 'alerts-testing');
    release();
    await expect(email.getByText('The test was sent')).toBeVisible();
    expect(mail.mails).toHaveLength(1);
    await expect(button).toBeFocused();

    // Saved anew while one is under way: what comes of it is of something else.
    const again = mail.hold();
    await button.click();
    await email.getByRole('textbox', { name: 'From' }).fill('c@example.org');
    await save(page);
    again();
    await expect(email.getByText('This test was of the settings before')).toBeVisible();
  } finally {
    mail.stop();
  }
});

test('a password is kept, asked for again for another server, and removed by the keyboard', async ({ page, request }) => {
  const mail = await MailServer.start();
  try {
    const admin = await Admin.of(request);
    await admin.call('PUT', '/alerts', mailInput(mail));
    await signIn(page, ADMIN, '/config/alerts');
    const email = card(page, 'E-mail');
    const password = email.getByRole('textbox', { name: 'Password' });
    await email.getByRole('textbox', { name: 'Host' }).fill('localhost');
    await expect(email.getByText('The stored one is of another mail server, and is not sent')).toBeVisible();
    await page.getByRole('button', { name: 'Save alerts' }).click();
    await expect(email.getByText('This is another mail server. Enter its password, or remove the stored one.')).toBeVisible();
    await expect(password).toBeFocused();
    await inspect(page, 'alerts-other-server');

    const remove = email.getByRole('button', { name: 'Remove the password' });
    await remove.focus();
    await remove.press('Enter');
    await expect(email.getByText('Removed when you save')).toBeVisible();
    const keep = email.getByRole('button', { name: 'Keep the password' });
    await expect(keep).toBeFocused();
    await keep.press('Enter');
    await expect(email.getByText('Is set')).toBeVisible();
    await password.fill('another');
    await expect(email.getByText('Replaced when you save')).toBeVisible();
    await remove.press('Enter');
    await expect(password).toHaveValue('');
    await inspect(page, 'alerts-removed');
    await email.getByRole('textbox', { name: 'User name' }).fill('');
    await save(page);
    await expect(email.getByText('Is set')).toBeHidden();
    expect((await admin.call('GET', '/alerts')).email).toMatchObject({ host: 'localhost', password_set: false });

    // Somebody else has stored one meanwhile: the server has the last word.
    await admin.call('PUT', '/alerts', mailInput(mail));
    await email.getByRole('textbox', { name: 'From' }).fill('c@example.org');
    await page.getByRole('button', { name: 'Save alerts' }).click();
    await expect(email.getByText('This is another mail server: enter its password')).toBeVisible();
    await expect(password).toBeFocused();
    await remove.click();
    await page.getByRole('button', { name: 'Save alerts' }).click();
    const conflict = page.getByRole('dialog', { name: 'Changed meanwhile' });
    await expect(conflict).toContainText('changed by somebody else');
    await conflict.getByRole('button', { name: 'Overwrite' }).click();
    await expect(page.getByText('The alerts were saved.').last()).toBeVisible();
    expect((await admin.call('GET', '/alerts')).email).toMatchObject({ host: 'localhost', from: 'c@example.org', password_set: false });
    await admin.call('PUT', '/alerts', mailInput(mail));
    await email.getByRole('textbox', { name: 'Host' }).fill('127.0.0.1');
    await page.getByRole('button', { name: 'Save alerts' }).click();
    await conflict.getByRole('button', { name: 'Reload' }).click();
    await expect(email.getByRole('textbox', { name: 'From' })).toHaveValue('a@example.org');
  } finally {
    mail.stop();
  }
});

test('it loads, fails and is left as the other forms are', async ({ page, request }) => {
  await Admin.of(request);
  const problem = { type: 'about:blank', title: 'Not possible now', status: 409, detail: 'The reason is this.', code: 'no_source' };
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  await page.route('**/api/v1/alerts', async (route) => {
    await held;
    await route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify(problem) });
  });
  await signIn(page, ADMIN, '/config/alerts');
  await expect(page.getByText('Loading…').first()).toBeAttached();
  await inspect(page, 'alerts-loading');
  release();
  await expect(page.getByText('The reason is this.')).toBeVisible();
  await inspect(page, 'alerts-problem');
  await page.unroute('**/api/v1/alerts');
  await page.getByRole('button', { name: 'Try again' }).click();

  await card(page, 'Webhook').getByRole('textbox', { name: 'URL' }).fill('https://hooks.example.org/x');
  await page.getByRole('navigation', { name: 'Configuration' }).getByRole('link', { name: 'General' }).click();
  const question = page.getByRole('dialog', { name: 'Leave without saving?' });
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(card(page, 'Webhook').getByRole('textbox', { name: 'URL' })).toHaveValue('https://hooks.example.org/x');
  await page.getByRole('navigation', { name: 'Configuration' }).getByRole('link', { name: 'General' }).click();
  await question.getByRole('button', { name: 'Leave' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Configuration' })).toBeFocused();
  await inspect(page, 'configuration-sections');
});
