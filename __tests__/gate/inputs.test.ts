import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Fault } from '../../src/core/fault.ts';
import { parseApprovalIds } from '../../src/gate/approval-ids.ts';
import { checkTlsEnvironment } from '../../src/gate/environment.ts';
import { parseMinutes, requestMinutes } from '../../src/gate/minutes.ts';
import { readPolicy } from '../../src/gate/policy-source.ts';
import { openService } from '../../src/gate/service-access.ts';
import { createWorld } from '../support/approvals.ts';

function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

async function faultIn(work: Promise<unknown>): Promise<Fault> {
  const error: unknown = await work.then(
    () => new Error('Nothing was refused.'),
    (reason: unknown) => reason,
  );
  if (error instanceof Fault) return error;
  throw error;
}

describe('minutes', () => {
  test.each([
    'abc',
    '1e3',
    ' 5',
    '5 ',
    '5.0',
    '+5',
    '-5',
    '0',
    '007',
    '0x10',
    '1_0',
    '１０',
    '99999',
    '1441',
    'NaN',
    '5\n',
  ])('"%s" is refused, with the field named', (text) => {
    for (const field of ['wait-minutes', 'valid-minutes']) {
      const fault = faultOf(() => parseMinutes(field, text));
      expect(fault.code).toBe('configuration');
      expect(fault.message).toContain(field);
    }
  });

  test('a whole number is one, and an empty input is none', () => {
    expect(parseMinutes('wait-minutes', '5')).toBe(5);
    expect(parseMinutes('wait-minutes', '1440')).toBe(1440);
    expect(parseMinutes('wait-minutes', '')).toBeUndefined();
  });

  test('valid exceeds wait by ten', () => {
    expect(requestMinutes({ wait: 50, valid: 60 }, 60)).toEqual({ wait: 50, valid: 60 });
    expect(requestMinutes({}, undefined)).toEqual({ wait: 30, valid: 60 });
    expect(requestMinutes({ valid: 12 }, undefined)).toEqual({ wait: 2, valid: 12 });
    for (const given of [{ wait: 51, valid: 60 }, { wait: 55 }, { valid: 10 }, { valid: 61 }]) {
      expect(faultOf(() => requestMinutes(given, 60)).code).toBe('configuration');
    }
  });
});

describe('approval-id', () => {
  const one = '11111111-2222-4333-8444-555555555555';
  const two = '22222222-2222-4333-8444-555555555555';

  test('is one UUID or several', () => {
    expect(parseApprovalIds(one)).toEqual([one]);
    expect(parseApprovalIds(`${one},${two}`)).toEqual([one, two]);
  });

  test.each([
    ['empty', ''],
    ['with a blank', `${one}, ${two}`],
    ['with a comma at the end', `${one},`],
    ['with a line end', `${one}\n`],
    ['in capitals', 'ABCDEF11-2222-4333-8444-555555555555'],
    ['the same twice', `${one},${one}`],
    ['another path', `${one}/../../redemptions`],
    ['with a query', `${one}?wait=0`],
    [
      'too many',
      Array.from({ length: 101 }, (_, i) => one.replace(/^.{8}/, String(10_000_000 + i))).join(','),
    ],
  ])('%s is refused', (_name, text) => {
    expect(faultOf(() => parseApprovalIds(text)).code).toBe('configuration');
  });
});

describe('the TLS environment', () => {
  test.each(['0', '1', 'true', 'false', 'no', ' ', ' 0', '2'])(
    'NODE_TLS_REJECT_UNAUTHORIZED=%s is refused',
    (value) => {
      const fault = faultOf(() => checkTlsEnvironment({ NODE_TLS_REJECT_UNAUTHORIZED: value }));
      expect(fault.code).toBe('configuration');
      expect(fault.message).toContain('NODE_TLS_REJECT_UNAUTHORIZED');
    },
  );

  test.each([
    '--tls-min-v1.0',
    '--tls_min_v1.1',
    '--max-old-space-size=400 --tls-cipher-list=NULL',
    '--tls-keylog=/tmp/keys',
    '--openssl-legacy-provider',
    '--insecure-http-parser',
  ])('NODE_OPTIONS=%s is refused', (value) => {
    const fault = faultOf(() => checkTlsEnvironment({ NODE_OPTIONS: value }));
    expect(fault.code).toBe('configuration');
    expect(fault.message).toContain('NODE_OPTIONS');
  });

  test('other options of Node are none of our business', () => {
    const value = '--max-old-space-size=400 --tls-min-v1.2 --tls-min-v1.3 --use-openssl-ca';
    expect(checkTlsEnvironment({ NODE_OPTIONS: value })).toEqual([]);
  });

  test('what others may see through is a warning', () => {
    expect(checkTlsEnvironment({ NODE_TLS_REJECT_UNAUTHORIZED: '' })).toEqual([]);
    const names = ['NODE_EXTRA_CA_CERTS', 'HTTPS_PROXY', 'https_proxy', 'NODE_USE_ENV_PROXY'];
    for (const name of names) {
      expect(checkTlsEnvironment({ [name]: 'x' })).toEqual([expect.stringContaining(name)]);
      expect(checkTlsEnvironment({ [name]: '' })).toEqual([]);
    }
  });
});

describe('api-url and api-key', () => {
  test('one without the other is refused, none is no service', () => {
    const apiUrl = 'https://approve.example.com/api';
    const noTokens = { tokens: undefined };
    const open = (url: string, apiKey: string) => openService({ apiUrl: url, apiKey }, noTokens);
    expect(faultOf(() => open(apiUrl, '')).message).toContain('api-key');
    expect(faultOf(() => open(apiUrl, '')).message).toContain('id-token: write');
    expect(faultOf(() => open('', 'k')).message).toContain('api-url');
    expect(open('', '')).toBeUndefined();
    expect(open(apiUrl, 'k')?.host).toBe('approve.example.com');
  });

  test('the tokens of the job take the place of a key, and a key goes before them', async () => {
    const asked: string[] = [];
    const mint = (audience: string): Promise<string> => {
      asked.push(audience);
      return Promise.reject(new Fault('facts_uncollectable', 'no token'));
    };
    const tokens = { provider: 'github', mint } as const;
    const apiUrl = 'https://approve.invalid:8443/api';
    const post = { method: 'POST', path: '/confirmations', body: {}, timeoutMs: 5_000 } as const;

    const byToken = openService({ apiUrl, apiKey: '' }, { tokens });
    await expect(byToken!.send(post)).rejects.toThrow('no token');
    expect(asked).toEqual(['https://approve.invalid:8443']);

    const byKey = openService({ apiUrl, apiKey: 'k' }, { tokens });
    await expect(byKey!.send(post)).rejects.toMatchObject({ reason: 'unreachable' });
    expect(asked).toHaveLength(1);
    expect(openService({ apiUrl: '', apiKey: '' }, { tokens })).toBeUndefined();
  });
});

describe('the policy', () => {
  const { policy } = createWorld();
  const text = JSON.stringify(policy);
  let folder: string;
  let workspace: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-policy-'));
    workspace = join(folder, 'repository', 'packages', 'web');
    mkdirSync(workspace, { recursive: true });
    mkdirSync(join(folder, 'repository', '.git'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const put = (...path: readonly string[]): string => {
    const file = join(folder, ...path);
    writeFileSync(file, text);
    return file;
  };
  const read = (input: string) => readPolicy({ input, outside: [workspace] });
  const refusedAsInside = async (path: string): Promise<void> => {
    const fault = await faultIn(read(path));
    expect(fault.code).toBe('configuration');
    expect(fault.message).toContain('lies inside');
  };

  test('is the input itself, or a file outside of workspace and repository', async () => {
    await expect(read(text)).resolves.toEqual(policy);
    await expect(read(put('policy.json'))).resolves.toEqual(policy);
    await expect(read('')).resolves.toBeUndefined();
    // Only begins like the repository.
    mkdirSync(join(folder, 'repository-policies'));
    await expect(read(put('repository-policies', 'p.json'))).resolves.toEqual(policy);
  });

  test('a file inside the workspace is refused', async () => {
    await refusedAsInside(put('repository', 'packages', 'web', 'policy.json'));
  });

  test('a file inside the repository around the workspace is refused', async () => {
    await refusedAsInside(put('repository', 'policy.json'));
    await refusedAsInside(put('repository', '.git', 'policy.json'));
  });

  test('a way out and in again is refused', async () => {
    put('repository', 'policy.json');
    await refusedAsInside(join(folder, 'repository', 'packages', '..', 'policy.json'));
  });

  test('a link from outside into the workspace is refused', async () => {
    const inside = put('repository', 'packages', 'web', 'policy.json');
    symlinkSync(inside, join(folder, 'link.json'));
    await refusedAsInside(join(folder, 'link.json'));
    symlinkSync(workspace, join(folder, 'linked'));
    await refusedAsInside(join(folder, 'linked', 'policy.json'));
  });

  test('a link in the workspace is refused wherever it leads', async () => {
    const outside = put('policy.json');
    symlinkSync(outside, join(workspace, 'policy.json'));
    symlinkSync(folder, join(workspace, 'elsewhere'));
    for (const name of ['policy.json', 'elsewhere/policy.json']) {
      const fault = await faultIn(read(join(workspace, name)));
      expect(fault.code).toBe('configuration');
      expect(fault.message).toContain('lies inside');
    }
  });

  test('a workspace that is a link itself', async () => {
    symlinkSync(join(folder, 'repository'), join(folder, 'alias'));
    const path = put('repository', 'policy.json');
    const fault = await faultIn(
      readPolicy({ input: path, outside: [join(folder, 'alias', 'packages')] }),
    );
    expect(fault.message).toContain('lies inside');
  });

  test('what can not be read is refused', async () => {
    const tooLarge = put('large.json');
    truncateSync(tooLarge, 262_145);
    const notUtf8 = put('latin.json');
    writeFileSync(notUtf8, Buffer.of(0x7b, 0xff, 0x7d));
    for (const path of [
      join(folder, 'missing.json'),
      folder,
      tooLarge,
      notUtf8,
      '/dev/zero',
      '$POLICY',
      '\u0000',
    ]) {
      const fault = await faultIn(read(path));
      expect(fault.code).toBe('configuration');
      expect(fault.message).toContain("can't be read");
    }
  });

  test('every fault of it is told', async () => {
    const broken = JSON.stringify({
      ...policy,
      extra: 1,
      environments: { production: { approvers: ['alex'], quorum: 2, groups: [] } },
    });
    const fault = await faultIn(read(broken));
    expect(fault.code).toBe('configuration');
    expect(fault.details.problems!.length).toBeGreaterThanOrEqual(3);
    for (const word of ['extra', 'quorum', 'groups']) expect(fault.message).toContain(word);
  });

  test.each([
    ['a member twice', text.replace('{', '{"schema":"approval-policy/v1",')],
    ['a byte order mark', `\uFEFF${text}`],
    ['half of it', text.slice(0, -1)],
  ])('%s is refused', async (_name, input) => {
    expect((await faultIn(read(input))).code).toBe('configuration');
  });
});
