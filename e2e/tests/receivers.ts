import { type IncomingHttpHeaders, type Server as HttpServer, createServer as createHttp } from 'node:http';
import { type AddressInfo, type Server as NetServer, type Socket, createServer } from 'node:net';
import { createHmac } from 'node:crypto';

async function listening(server: NetServer | HttpServer): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

export interface Mail {
  user: string;
  password: string;
  to: string[];
  text: string;
}

/** As much of a mail server as takes a message from somebody who signs in. */
export class MailServer {
  readonly mails: Mail[] = [];
  port = 0;
  /** While it is set, nobody is greeted. */
  private held: Promise<void> | undefined;
  private readonly server = createServer((socket) => void this.talk(socket));

  static async start(): Promise<MailServer> {
    const mail = new MailServer();
    mail.port = await listening(mail.server);
    return mail;
  }

  /** Lets clients wait until the answer is called. */
  hold(): () => void {
    let release = () => {};
    this.held = new Promise((done) => (release = done));
    return release;
  }

  stop(): void {
    this.server.close();
  }

  private async talk(socket: Socket): Promise<void> {
    socket.on('error', () => {});
    await this.held;
    const mail: Mail = { user: '', password: '', to: [], text: '' };
    let [rest, data] = ['', false];
    const say = (line: string) => socket.write(`${line}\r\n`);
    say('220 mail.example.org ESMTP');
    socket.on('data', (chunk) => {
      rest += chunk;
      for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        if (data && line !== '.') {
          mail.text += `${line}\n`;
        } else if (data) {
          data = false;
          this.mails.push({ ...mail, to: [...mail.to] });
          say('250 taken');
        } else if (/^EHLO/i.test(line)) {
          say('250-mail.example.org');
          say('250 AUTH PLAIN');
        } else if (/^AUTH PLAIN /i.test(line)) {
          const [, user = '', password = ''] = Buffer.from(line.slice(11), 'base64').toString().split('\0');
          Object.assign(mail, { user, password });
          say('235 welcome');
        } else if (/^RCPT TO:/i.test(line)) {
          mail.to.push(/<(.*)>/.exec(line)?.[1] ?? '');
          say('250 known');
        } else if (/^DATA/i.test(line)) {
          data = true;
          say('354 go on');
        } else if (/^QUIT/i.test(line)) {
          say('221 bye');
          socket.end();
        } else {
          say('250 fine');
        }
      }
    });
  }
}

/** Takes what is posted to it. */
export class Receiver {
  readonly calls: { headers: IncomingHttpHeaders; body: string }[] = [];
  url = '';
  private readonly server = createHttp((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      this.calls.push({ headers: request.headers, body });
      response.writeHead(204).end();
    });
  });

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.url = `http://127.0.0.1:${await listening(receiver.server)}/hook`;
    return receiver;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/** As a receiver computes it, from the header's own time. */
export function signed(secret: string, header: string, body: string): boolean {
  const [, time, tag] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(header) ?? [];
  return tag === createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
}

/** A port that nobody listens at. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  await new Promise((done) => server.close(done));
  return port;
}
