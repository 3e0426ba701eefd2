import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clouds } from './clouds';

export const SETUP_TOKEN = 'setup-token-of-the-journeys';
export const ADMIN = { username: 'ada', password: 'correct-horse-battery' };
export const VIEWER = { username: 'victor', password: 'only-looking-around' };

/** The real binary on a free port, with a data directory and a demo store of its own. */
export class Server {
  private constructor(
    private readonly child: ChildProcess,
    private readonly dir: string,
    readonly url: string,
    private readonly output: () => string,
    readonly clouds?: Clouds,
  ) {}

  static async start(clouds?: Clouds): Promise<Server> {
    const binary = process.env.STOREKEEP_BINARY;
    if (!binary) throw new Error('STOREKEEP_BINARY is not set: start the journeys with e2e/run');
    const dir = mkdtempSync(join(tmpdir(), 'storekeep-e2e-'));
    const env = {
      ...process.env,
      STOREKEEP_DATA_DIR: join(dir, 'data'),
      STOREKEEP_LISTEN: '127.0.0.1:0',
      STOREKEEP_SETUP_TOKEN: SETUP_TOKEN,
      ...clouds?.environment,
    };
    const child = spawn(binary, ['serve', '--demo'], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout?.on('data', (text) => (output += text));
    child.stderr?.on('data', (text) => (output += text));
    // The first start makes the demo store.
    const limit = Date.now() + 90_000;
    for (;;) {
      const url = /http:\/\/127\.0\.0\.1:[1-9]\d*(?=\D)/.exec(output)?.[0];
      if (url && (await fetch(`${url}/readyz`).catch(() => null))?.ok) {
        return new Server(child, dir, url, () => output, clouds);
      }
      if (child.exitCode !== null || Date.now() > limit) {
        child.kill('SIGKILL');
        rmSync(dir, { recursive: true, force: true });
        throw new Error(`the server did not become ready (exit code ${child.exitCode}):\n${output}`);
      }
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  /** SIGTERM; anything but exit code 0 is an error. */
  async stop(): Promise<void> {
    const ended = new Promise<number | null>((done) => this.child.once('exit', done));
    if (this.child.exitCode === null) this.child.kill('SIGTERM');
    const code = this.child.exitCode ?? (await ended);
    rmSync(this.dir, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the server ended with ${code}:\n${this.output()}`);
  }
}
