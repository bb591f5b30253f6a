import { describe, expect, test } from '@jest/globals';
import { forgeLinks } from '../../src/service/page/forge.ts';
import type { Json } from '../../src/service/page/leaves.ts';
import { exampleFacts } from '../support/deploy.ts';

const older = 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2';
const { commit } = exampleFacts();
const links = (changes: Readonly<Record<string, Json>>) => {
  const { run, commit: at, compare } = forgeLinks({ facts: { ...exampleFacts(), ...changes } });
  return [run, at, compare(older)];
};

describe('the links to a forge', () => {
  test.each(['https://github.com', 'https://git.example'])('are GitHub’s at %s', (server) => {
    expect(links({ server })).toEqual([
      `${server}/acme/shop/actions/runs/9876543210/attempts/1`,
      `${server}/acme/shop/commit/${commit}`,
      `${server}/acme/shop/compare/${older}...${commit}`,
    ]);
  });

  test.each([
    ['https://gitlab.com', 'acme/group/shop'],
    ['https://git.example', 'acme/shop'],
  ])('are GitLab’s at %s, by its server or the name of its file', (server, repository) => {
    const workflow = `${new URL(server).host}/${repository}//.gitlab-ci.yml@refs/heads/main`;
    expect(links({ server, repository, workflow })).toEqual([
      `${server}/${repository}/-/pipelines/9876543210`,
      `${server}/${repository}/-/commit/${commit}`,
      `${server}/${repository}/-/compare/${older}...${commit}`,
    ]);
  });

  test.each([
    { server: 'http://github.com' },
    { server: 'javascript:alert(1)//' },
    { server: 'https://alex@evil.example' },
    { server: 'https://evil.example/x?' },
    { server: null },
    { repository: 'shop' },
    { repository: 'acme/../shop' },
    { repository: 'acme/sub/shop' },
    { repository: 'acme/shop?x' },
    { repository_id: 'local:shop' },
  ])('are none for %j', (changes) => {
    expect(links(changes)).toEqual([undefined, undefined, undefined]);
  });

  test.each([
    [{ run_id: '9/../..' }, 'run'],
    [{ run_id: '' }, 'run'],
    [{ run_attempt: '1?x' }, 'run'],
    [{ run_attempt: null }, 'run'],
    [{ commit: 'main' }, 'commit'],
    [{ commit: 'fc19318d' }, 'commit'],
  ] as const)('leave out what a fact that looks wrong would lead to: %j', (changes, left) => {
    const [run, at, compare] = links(changes);
    expect(run === undefined).toBe(left === 'run');
    expect([at === undefined, compare === undefined]).toEqual(
      left === 'commit' ? [true, true] : [false, false],
    );
  });

  test.each(['', 'main', '../../x', `${older}?`, older.toUpperCase()])(
    'lead to no comparison with what is no commit: %j',
    (from) => {
      expect(forgeLinks({ facts: exampleFacts() }).compare(from)).toBeUndefined();
    },
  );
});
