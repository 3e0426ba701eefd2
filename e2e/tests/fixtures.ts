import AxeBuilder from '@axe-core/playwright';
import { type Page, expect, test as base } from '@playwright/test';
import { Clouds } from './clouds';
import { Server } from './server';

/** What a browser says to itself when the API answers as it should: not an error of the page. */
const EXPECTED = /Failed to load resource: the server responded with a status of (401|403|404|409|412|422|429)/;

export const test = base.extend<{ quiet: void }, { story: string; clouds: boolean; server: Server }>({
  /** Files with the same one share a server. */
  story: ['from the start', { option: true, scope: 'worker' }],
  /** Whether the server reaches accounts at all four kinds of clouds. */
  clouds: [false, { option: true, scope: 'worker' }],
  server: [
    async ({ story, clouds }, use) => {
      test.info().annotations.push({ type: 'story', description: story });
      const sky = clouds ? await Clouds.start() : undefined;
      try {
        const server = await Server.start(sky);
        await use(server);
        await server.stop();
      } finally {
        await sky?.stop();
      }
    },
    { scope: 'worker', timeout: 240_000 },
  ],
  baseURL: async ({ server }, use) => use(server.url),
  /** Fails a test in which the page reported an error, a violation of its content security policy, or got a 5xx. */
  quiet: [
    async ({ page }, use) => {
      const noise: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error' && !EXPECTED.test(message.text())) noise.push(message.text());
      });
      page.on('pageerror', (error) => noise.push(String(error)));
      page.on('response', (response) => {
        if (response.status() >= 500) noise.push(`${response.status()} ${response.url()}`);
      });
      await use();
      expect(noise, 'what the browser complained about').toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Colours that were changing have changed: on their way from one scheme to the other they have no contrast that anybody sees. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(() => {
    const ends = (a: Animation) => a.effect?.getComputedTiming().endTime !== Infinity;
    const all = Promise.allSettled(document.getAnimations().filter(ends).map((a) => a.finished));
    return Promise.race([all, new Promise((done) => setTimeout(done, 2000))]).then(() => undefined);
  });
}

/** No violation of the accessibility rules on the page as it is, in light and in dark. */
export async function accessible(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await settled(page);
    const { violations } = await new AxeBuilder({ page }).analyze();
    const told = violations.map((v) => `${v.id}: ${v.help} (${v.nodes.map((n) => n.target.join(' ')).join(', ')})`);
    expect.soft(told, `${name}, ${colorScheme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Pictures of the page in screenshots/: desktop and phone, light and dark. */
export async function pictures(page: Page, name: string): Promise<void> {
  const size = page.viewportSize();
  for (const [device, viewport] of [
    ['1440', { width: 1440, height: 900 }],
    ['390', { width: 390, height: 844 }],
  ] as const) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.screenshot({ path: `screenshots/${name}-${device}-${colorScheme}.png`, animations: 'disabled' });
    }
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect.soft(wider, `${name} scrolls sideways at ${device}`).toBeLessThanOrEqual(0);
  }
  if (size) await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Both of them. */
export async function inspect(page: Page, name: string): Promise<void> {
  await accessible(page, name);
  await pictures(page, name);
}
