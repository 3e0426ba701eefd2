import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Account {
  url: string;
  client_id: string;
  client_secret: string;
  region: string;
  bucket: string;
}

/** The fakes of the three OAuth providers, whose people always say yes, and a real S3 server. */
export class Clouds {
  private constructor(
    private readonly child: ChildProcess,
    readonly accounts: Record<'google_drive' | 'one_drive' | 'dropbox' | 'amazon_s3', Account>,
    private readonly output: () => string,
  ) {}

  static async start(): Promise<Clouds> {
    const program = process.env.STOREKEEP_TEST_CLOUDS;
    if (!program) throw new Error('STOREKEEP_TEST_CLOUDS is not set: start the journeys with e2e/run');
    const child = spawn(program, { stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    child.stderr.on('data', (text) => (output += text));
    const line = new Promise<string>((done, failed) => {
      createInterface({ input: child.stdout }).once('line', done);
      child.once('exit', (code) => failed(new Error(`the clouds ended with ${code}:\n${output}`)));
      setTimeout(() => failed(new Error(`the clouds were not ready within 90 s:\n${output}`)), 90_000).unref();
    });
    try {
      return new Clouds(child, JSON.parse(await line), () => output);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** What a server needs to reach them instead of the providers. */
  get environment(): Record<string, string> {
    return {
      STOREKEEP_GOOGLE_DRIVE_BASE_URL: this.accounts.google_drive.url,
      STOREKEEP_ONE_DRIVE_BASE_URL: this.accounts.one_drive.url,
      STOREKEEP_DROPBOX_BASE_URL: this.accounts.dropbox.url,
    };
  }

  /** An error when a provider was spoken to in a way that the real one would not have taken. */
  async stop(): Promise<void> {
    const ended = new Promise<number | null>((done) => this.child.once('exit', done));
    if (this.child.exitCode === null) this.child.stdin?.end();
    const code = this.child.exitCode ?? (await ended);
    if (code !== 0) throw new Error(`the clouds ended with ${code}:\n${this.output()}`);
  }
}
