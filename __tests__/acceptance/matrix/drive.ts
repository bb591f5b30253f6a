/** Runs one cell of the matrix: a step of the built bundle as a process, in front of a service of its own that fails there. */
import { createServer as createProxy, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { failingDns, fastClock, together } from '../../support/preloads.ts';
import {
  startFaultyServer,
  type Act,
  type Exchange,
  type FaultyServer,
} from '../../support/faulty-server.ts';
import { certificateAuthority, selfSigned } from '../../support/certificate.ts';
import { listenOnKeptPort } from '../../support/kept-port.ts';
import { decide } from '../../support/approvals.ts';
import type { ApprovalPayload } from '../../../src/core/payload.ts';
import { startStubService, type Route, type StubService } from '../../gate/stub-service.ts';
import type { Inputs, StepResult } from '../job.ts';
import { githubToken, type Stage } from './stage.ts';
import type { BadCertificate, Phase, RightAnswer, Row, Tools } from './table.ts';

/** The calls of each step, and which of them a phase is. */
const steps = {
  request: ['latest', 'create', 'poll', 'fetch'],
  verify: ['fetch', 'redeem'],
} as const satisfies Record<string, readonly Route[]>;
const places = {
  last: { step: 'request', call: 0 },
  create: { step: 'request', call: 1 },
  wait: { step: 'request', call: 2 },
  confirm: { step: 'request', call: 3 },
  fetch: { step: 'verify', call: 0 },
  redeem: { step: 'verify', call: 1 },
  record: { step: 'request', call: 4 },
} as const satisfies Record<Phase, { step: keyof typeof steps; call: number }>;

export interface Run {
  readonly result: StepResult;
  /** What the service saw, in order. */
  readonly calls: readonly Route[];
  /** What each request to it was, whole. */
  readonly seen: readonly string[];
  /** What GitHub saw, in the phase `record`. */
  readonly github: number;
  readonly elapsedMs: number;
}

export interface Driving {
  readonly row: Row;
  readonly phase: Phase;
  /** How often it fails before it is well; `Infinity` where it never is. */
  readonly times: number;
  /** The clock of the process runs this many times as fast. */
  readonly speed: number;
}

/** The calls of a step up to a phase, that phase's `count` times. */
export function callsUpTo(phase: Phase, count = 1): readonly Route[] {
  const { step, call } = places[phase];
  const before = steps[step].slice(0, call);
  const route = (steps[step] as readonly Route[])[call];
  return route === undefined ? before : [...before, ...Array<Route>(count).fill(route)];
}

/** The calls of a step that ends well, when the phase takes `count` calls. */
export function wholeCalls(phase: Phase, count: number): readonly Route[] {
  const { step, call } = places[phase];
  return [...callsUpTo(phase, count), ...steps[step].slice(call + 1)];
}

export async function drive(stage: Stage, driving: Driving): Promise<Run> {
  const cleanup: (() => unknown)[] = [];
  try {
    return await new Drive(stage, driving, cleanup).run();
  } finally {
    for (const clean of cleanup.reverse()) await clean();
  }
}

class Drive {
  private readonly stage: Stage;
  private readonly driving: Driving;
  private readonly cleanup: (() => unknown)[];
  private readonly github: string[] = [];

  constructor(stage: Stage, driving: Driving, cleanup: (() => unknown)[]) {
    this.stage = stage;
    this.driving = driving;
    this.cleanup = cleanup;
  }

  async run(): Promise<Run> {
    const { stage, driving } = this;
    const { phase, speed } = driving;
    const { step } = places[phase];
    const server = await this.server();
    const stub = await startStubService(stage.world, () => Date.now(), {
      server,
      known: [stage.approved],
    });
    this.cleanup.push(() => stub.close());
    stub.reactions.set('alex', { status: 'approved' });
    const surroundings = await this.surroundings(stub);
    const options = [
      ...(speed === 1 ? [] : [fastClock(speed)]),
      ...('NODE_OPTIONS' in surroundings.env ? [surroundings.env as never] : []),
    ];
    const env = { ...surroundings.env, ...(options.length === 0 ? {} : together(...options)) };
    const inputs: Inputs = {
      ...stage.inputs,
      'api-url': surroundings.apiUrl ?? stub.apiUrl,
      ...(step === 'verify'
        ? { 'approval-id': stage.approved.id }
        : { approver: 'alex', 'wait-minutes': '1', 'valid-minutes': '15' }),
      ...(phase === 'record' ? { 'github-token': githubToken } : {}),
    };
    const begin = Date.now();
    const result = await stage.job.start(step, inputs, env).result;
    return {
      result,
      calls: [...stub.calls],
      seen: stub.seen.map((one) => JSON.stringify(one)),
      github: this.github.length,
      elapsedMs: Date.now() - begin,
    };
  }

  private async server(): Promise<FaultyServer> {
    const { how } = this.driving.row;
    const secure = how.kind === 'certificate' || how.kind === 'proxy';
    const name = how.kind === 'proxy' ? { name: 'approve.example.com' } : {};
    return startFaultyServer(secure ? { tls: this.stage.authority.issue(name) } : {});
  }

  /** Has the fault happen at its phase; what the process needs for that. */
  private async surroundings(
    stub: StubService,
  ): Promise<{ readonly env: Readonly<Record<string, string>>; readonly apiUrl?: string }> {
    const { phase, row, times } = this.driving;
    const { how } = row;
    const { call } = places[phase];
    const trusted = { NODE_EXTRA_CA_CERTS: this.stage.authorityPath };
    switch (how.kind) {
      case 'environment':
        return { env: how.env };
      case 'dns':
        return {
          env: failingDns({ code: how.code, from: call, times }),
          apiUrl: stub.apiUrl.replace('127.0.0.1', 'localhost'),
        };
      case 'refused': {
        const { server } = stub;
        this.atPhase(stub, () => {
          server.shut();
          if (times === Infinity) return;
          const reopening = setTimeout(() => server.reopen(), 2_000);
          this.cleanup.push(() => clearTimeout(reopening));
        });
        return { env: {} };
      }
      case 'certificate':
        this.atPhase(stub, () => stub.server.present(this.bad(how.certificate)));
        return { env: trusted, apiUrl: stub.apiUrl.replace('127.0.0.1', 'localhost') };
      case 'proxy': {
        const proxy = await this.proxy(stub.server.port, how.status);
        return {
          env: { ...trusted, https_proxy: `http://127.0.0.1:${proxy}` },
          apiUrl: 'https://approve.example.com/api',
        };
      }
      case 'answer':
        if (phase === 'record') return { env: { GITHUB_API_URL: await this.gitHub(how.act) } };
        this.failAt(stub, how.act);
        return { env: {} };
    }
  }

  /** Does `change` when the call before the phase has been answered; at once where the phase is the first. */
  private atPhase(stub: StubService, change: () => void): void {
    const { step, call } = places[this.driving.phase];
    if (call === 0) {
      change();
      return;
    }
    const before = steps[step][(call - 1) as 0];
    stub.faults.set(before, (exchange, right) => {
      // The certificate of the next connection, not of this one.
      exchange.response.once('finish', change);
      right(exchange);
    });
  }

  private failAt(stub: StubService, act: (right: RightAnswer, tools: Tools) => Act): void {
    const { phase, times } = this.driving;
    const { step, call } = places[phase];
    let count = 0;
    stub.faults.set(steps[step][call as 0], (exchange, right) => {
      count += 1;
      if (count > times) {
        right(exchange);
        return;
      }
      const answered = captured(right, exchange);
      act(answered, this.tools(answered))(exchange);
    });
  }

  private tools({ value }: RightAnswer): Tools {
    const { passkeys } = this.stage.world;
    return {
      people: passkeys,
      elsewhere: this.stage.elsewhere.origin,
      sign: ({ passkey = passkeys.alex, ...options } = {}) =>
        decide(value.payload as ApprovalPayload, passkey, {
          nonce: Buffer.from(String(value.nonce), 'base64url'),
          ...options,
        }).assertion!,
    };
  }

  private bad(kind: BadCertificate) {
    const { authority } = this.stage;
    switch (kind) {
      case 'self-signed':
        return selfSigned();
      case 'unknown authority':
        return certificateAuthority().issue();
      case 'expired':
        return authority.issue({ notAfter: '251231235959Z' });
      case 'not yet valid':
        return authority.issue({ notBefore: '480101000000Z' });
      case 'other name':
        return authority.issue({ name: 'other.example.com' });
      case 'old protocol':
        return { ...authority.issue(), minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const;
    }
  }

  /** A proxy whose CONNECTs fail at the phase. @returns its port */
  private async proxy(target: number, status: number | 'refused'): Promise<number> {
    const { phase, times } = this.driving;
    const { call } = places[phase];
    let count = -1;
    const sockets = new Set<Socket>();
    const server: Server = createProxy();
    server.on('connect', (_request, socket: Socket) => {
      count += 1;
      sockets.add(socket);
      socket.on('error', () => undefined);
      if (count >= call && count < call + times && status !== 'refused') {
        socket.end(`HTTP/1.1 ${status} No\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n`);
        return;
      }
      const upstream = connect(target, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      sockets.add(upstream);
      upstream.on('error', () => socket.destroy());
      if (status === 'refused' && count === call - 1) upstream.once('close', shut);
    });
    const shut = (): void => {
      const { port } = server.address() as AddressInfo;
      server.close();
      if (times === Infinity) return;
      const reopening = setTimeout(() => void server.listen(port, '127.0.0.1'), 2_000);
      this.cleanup.push(() => clearTimeout(reopening));
    };
    await listenOnKeptPort(server, '127.0.0.1');
    this.cleanup.push(() => {
      for (const socket of sockets) socket.destroy();
      if (server.listening) server.close();
    });
    const { port } = server.address() as AddressInfo;
    if (status === 'refused' && call === 0) shut();
    return port;
  }

  /** GitHub's API, which fails. @returns its address */
  private async gitHub(act: (right: RightAnswer, tools: Tools) => Act): Promise<string> {
    const server = await startFaultyServer();
    this.cleanup.push(() => server.close());
    const right: RightAnswer = { status: 201, value: { id: 1, state: 'pending' } };
    server.script((exchange) => {
      this.github.push(exchange.path);
      act(right, this.tools(right))(exchange);
    });
    return server.apiUrl.replace(/\/api$/, '');
  }
}

/** What the service would have answered. It has done what it answers: only the answer gets lost or changed. */
function captured(right: Act, exchange: Exchange): RightAnswer {
  let status = 0;
  let text = '';
  const response = {
    writeHead: (code: number) => {
      status = code;
      return response;
    },
    end: (body: string) => (text = body),
  };
  right({ ...exchange, response: response as never });
  return { status, value: JSON.parse(text) as RightAnswer['value'] };
}
