import type { Page } from '@playwright/test';
import { expect } from './fixtures';

export async function signIn(page: Page, who: { username: string; password: string }, path = '/'): Promise<void> {
  await page.goto(path);
  await page.getByRole('textbox', { name: 'User name' }).fill(who.username);
  await page.getByRole('textbox', { name: 'Password' }).fill(who.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
}

export async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Account' }).filter({ visible: true }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
}

export function navigation(page: Page) {
  return page.getByRole('navigation', { name: 'Main' }).getByRole('link');
}
