import {
  realpathSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
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
      const shown = text.replace('\n', '\\u{000A}');
      expect(faultOf(() => parseMinutes(field, text))).toMatchObject({
        code: 'configuration',
        message: `${field} must be a whole number of minutes from 1 to 1440, written in digits, not "${shown}".`,
      });
    }
  });

  test('a whole number is one, and an empty input is none', () => {
    expect(parseMinutes('wait-minutes', '1')).toBe(1);
    expect(parseMinutes('wait-minutes', '5')).toBe(5);
    expect(parseMinutes('wait-minutes', '1440')).toBe(1440);
    expect(parseMinutes('wait-minutes', '')).toBeUndefined();
  });

  test('valid exceeds wait by ten', () => {
    expect(requestMinutes({ wait: 50, valid: 60 }, 60)).toEqual({ wait: 50, valid: 60 });
    expect(requestMinutes({ valid: 12 }, undefined)).toEqual({ wait: 2, valid: 12 });
    expect(requestMinutes({ valid: 11 }, undefined)).toEqual({ wait: 1, valid: 11 });
  });

  test('are 30 and 60, or as much as the policy leaves', () => {
    expect(requestMinutes({}, undefined)).toEqual({ wait: 30, valid: 60 });
    expect(requestMinutes({}, 120)).toEqual({ wait: 30, valid: 60 });
    expect(requestMinutes({}, 25)).toEqual({ wait: 15, valid: 25 });
    expect(requestMinutes({}, 11)).toEqual({ wait: 1, valid: 11 });
  });

  const tooShort = (valid: number, wait: number) =>
    `valid-minutes (${valid}) must exceed wait-minutes (${wait}) by at least 10, so that what is approved at the last moment can still be deployed.`;
  const ownFix = 'Raise valid-minutes or lower wait-minutes.';
  test.each([
    [{ wait: 51, valid: 60 }, 60, `${tooShort(60, 51)} ${ownFix}`],
    [{ wait: 55 }, undefined, `${tooShort(60, 55)} ${ownFix}`],
    [{ valid: 10 }, undefined, `${tooShort(10, 1)} ${ownFix}`],
    [{ valid: 10 }, 60, `${tooShort(10, 1)} ${ownFix}`],
    [{ wait: 2 }, 11, `${tooShort(11, 2)} ${ownFix}`],
    [{}, 10, `${tooShort(10, 1)} Raise max_age_minutes in the policy to 11 or more.`],
    [
      { valid: 61 },
      60,
      'valid-minutes is 61, and the policy allows at most 60 (max_age_minutes). Lower valid-minutes.',
    ],
  ])('%j with a maximum of %s is refused', (given, maxAge, message) => {
    expect(faultOf(() => requestMinutes(given, maxAge))).toMatchObject({
      code: 'configuration',
      message,
    });
  });
});

describe('approval-id', () => {
  const one = '11111111-2222-4333-8444-555555555555';
  const two = '22222222-2222-4333-8444-555555555555';

  test('is one UUID or several', () => {
    expect(parseApprovalIds(one)).toEqual([one]);
    expect(parseApprovalIds(`${one},${two}`)).toEqual([one, two]);
  });

  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => one.replace(/^.{8}/, String(10_000_000 + i)));

  test('is at most a hundred', () => {
    expect(parseApprovalIds(many(100).join(','))).toEqual(many(100));
  });

  const noneOf = (shown: string) =>
    `approval-id must be one confirmation's UUID in lower case, or several joined by commas without blanks; "${shown}" is none. Pass the output approval-id of the request step unchanged.`;
  test.each([
    [
      'empty',
      '',
      'approval-id is empty. Pass the output approval-id of the request step; if that comes from another job, check the name of the job and of its output.',
    ],
    ['with a blank', `${one}, ${two}`, noneOf(` ${two}`)],
    ['with a comma at the end', `${one},`, noneOf('')],
    ['with a line end', `${one}\n`, noneOf(`${one}\\u{000A}`)],
    [
      'in capitals',
      'ABCDEF11-2222-4333-8444-555555555555',
      noneOf('ABCDEF11-2222-4333-8444-555555555555'),
    ],
    ['the same twice', `${one},${one}`, 'approval-id names the same confirmation twice.'],
    ['another path', `${one}/../../redemptions`, noneOf(`${one}/../../redemptions`)],
    ['with a query', `${one}?wait=0`, noneOf(`${one}?wait=0`)],
    ['too many', many(101).join(','), 'approval-id names 101 confirmations; the most is 100.'],
  ])('%s is refused', (_name, text, message) => {
    expect(faultOf(() => parseApprovalIds(text))).toMatchObject({ code: 'configuration', message });
  });
});

describe('the TLS environment', () => {
  test.each(['0', '1', 'true', 'false', 'no', ' ', ' 0', '2'])(
    'NODE_TLS_REJECT_UNAUTHORIZED=%s is refused',
    (value) => {
      const fault = faultOf(() => checkTlsEnvironment({ NODE_TLS_REJECT_UNAUTHORIZED: value }));
      expect(fault.code).toBe('configuration');
      expect(fault.message).toBe(
        'NODE_TLS_REJECT_UNAUTHORIZED is set: the approval service could be impersonated. Remove the variable, whatever its value; for a private certificate authority set NODE_EXTRA_CA_CERTS.',
      );
    },
  );

  test.each([
    ['--tls-min-v1.0', '--tls-min-v1.0'],
    ['--tls_min_v1.1', '--tls-min-v1.1'],
    ['--tls-min-v1.20', '--tls-min-v1.20'],
    ['--max-old-space-size=400 --tls-cipher-list=NULL', '--tls-cipher-list'],
    ['--tls-keylog=/tmp/keys --max-old-space-size=400', '--tls-keylog'],
    ['--openssl-legacy-provider', '--openssl-legacy-provider'],
    ['--insecure-http-parser', '--insecure-http-parser'],
  ])('NODE_OPTIONS=%s is refused', (value, option) => {
    const fault = faultOf(() => checkTlsEnvironment({ NODE_OPTIONS: value }));
    expect(fault.code).toBe('configuration');
    expect(fault.message).toBe(
      `NODE_OPTIONS holds ${option}, which changes how the connection to the approval service is protected. Remove it for this step.`,
    );
  });

  test('other options of Node are none of our business', () => {
    const value = '--max-old-space-size=400 --tls-min-v1.2 --tls-min-v1.3 --use-openssl-ca';
    expect(checkTlsEnvironment({ NODE_OPTIONS: value })).toEqual([]);
  });

  test('what others may see through is a warning', () => {
    expect(checkTlsEnvironment({ NODE_TLS_REJECT_UNAUTHORIZED: '' })).toEqual([]);
    const names = ['NODE_EXTRA_CA_CERTS', 'HTTPS_PROXY', 'https_proxy', 'NODE_USE_ENV_PROXY'];
    for (const name of names) {
      expect(checkTlsEnvironment({ [name]: 'x' })).toEqual([
        `${name} is set: the connection to the approval service depends on it.`,
      ]);
      expect(checkTlsEnvironment({ [name]: '' })).toEqual([]);
    }
  });
});

describe('api-url and api-key', () => {
  test('one without the other is refused, none is no service', () => {
    const apiUrl = 'https://approve.example.com/api';
    const noTokens = { tokens: undefined };
    const open = (url: string, apiKey: string) => openService({ apiUrl: url, apiKey }, noTokens);
    expect(faultOf(() => open(apiUrl, ''))).toMatchObject({
      code: 'configuration',
      message:
        'api-key is empty, and this job may not have OIDC tokens, which can take its place. Set api-key to a request key of the approval service (a secret that does not exist in this environment is an empty string), or give the job the permission id-token: write.',
    });
    expect(faultOf(() => open('', 'k'))).toMatchObject({
      code: 'configuration',
      message:
        'api-url is empty. Set it to the approval service, such as https://approve.example.com/api.',
    });
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
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'deploy-warrant-policy-')));
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

  test('is taken from elsewhere where the workspace is the folder of this process', async () => {
    const outside = [process.cwd()];
    await expect(readPolicy({ input: put('policy.json'), outside })).resolves.toEqual(policy);
  });

  test('a file inside a workspace without a repository is refused', async () => {
    const path = put('policy.json');
    const fault = await faultIn(readPolicy({ input: path, outside: [folder] }));
    expect(fault.message).toBe(
      `The policy ${path} lies inside ${folder}, where a commit could change it together with what it guards. Keep it outside of the workspace and the repository, or give the document itself, such as from a variable of the environment.`,
    );
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
    const withMark = put('marked.json');
    writeFileSync(withMark, `\uFEFF${text}`);
    expect((await faultIn(read(withMark))).code).toBe('configuration');
    const missing = join(folder, 'missing.json');
    for (const [path, reason] of [
      [missing, `ENOENT: no such file or directory, realpath '${missing}'`],
      [folder, 'it is not a file'],
      [tooLarge, 'it is larger than 262144 bytes'],
      [notUtf8, 'The encoded data was not valid for encoding utf-8'],
      ['/dev/zero', 'it is not a file'],
      ['$POLICY', /^ENOENT/],
      ['\u0000', /null bytes/],
    ] as const) {
      const fault = await faultIn(read(path));
      expect(fault.code).toBe('configuration');
      const [, shown, why] =
        /^The policy (.*) can't be read: (.*)\. The input policy is the document itself, beginning with \{, or the path of a file\.$/.exec(
          fault.message,
        ) ?? [];
      expect(shown).toBe(path.replace('\u0000', '\\u{0000}'));
      if (typeof reason === 'string') expect(why).toBe(reason);
      else expect(why).toMatch(reason);
      expect(fault.cause).toHaveProperty('message');
    }
    truncateSync(tooLarge, 262_144);
    expect((await faultIn(read(tooLarge))).message).toContain('The policy is not acceptable:\n');
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
