import type { APIRequestContext } from '@playwright/test';
import { expect } from './fixtures';
import { ADMIN, SETUP_TOKEN } from './server';

/** The API with an administrator's token: for what a journey needs and does not tell of. */
export class Admin {
  private constructor(
    private readonly request: APIRequestContext,
    private readonly token: string,
  ) {}

  /** Makes the administrator when there is none yet. */
  static async of(request: APIRequestContext): Promise<Admin> {
    await request.post('/api/v1/setup', { data: { token: SETUP_TOKEN, ...ADMIN } });
    const session = await request.post('/api/v1/auth/login', { data: ADMIN });
    expect(session.ok(), await session.text()).toBe(true);
    return new Admin(request, (await session.json()).access_token);
  }

  async call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, data?: unknown): Promise<any> {
    const headers = { authorization: `Bearer ${this.token}` };
    const answer = await this.request.fetch(`/api/v1${path}`, { method, headers, data });
    const text = await answer.text();
    expect(answer.ok(), `${method} ${path}: ${text}`).toBe(true);
    return text ? JSON.parse(text) : null;
  }

  /** A user of a new role with these resources. */
  async person(username: string, password: string, resources: string[]): Promise<{ id: number; roleId: number }> {
    const role = await this.call('POST', '/roles', { name: `Role of ${username}`, resources });
    const user = await this.call('POST', '/users', { username, password, role_id: role.id, enabled: true });
    return { id: user.id, roleId: role.id };
  }

  /** A Backup Set of the whole store. */
  async set(title: string, folder_name: string): Promise<{ id: number }> {
    const storages = [{ storage_id: null, enabled: true, keep_copies: 1, path: '' }];
    const input = { enabled: false, title, folder_name, backup_types: ['database', 'files'], frequency: 24, time_of_day: '02:30', storages };
    return this.call('POST', '/backups', input);
  }
}
