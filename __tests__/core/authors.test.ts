import { describe, expect, test } from '@jest/globals';
import { authorAmong } from '../../src/core/authors.ts';

const account = { provider: 'github', id: '1234567', login: 'AlexDoe' };

/** Whether who has this account wrote a commit by this address. */
const wrote = (email: string, changes: object = {}) =>
  authorAmong([{ ...account, ...changes }], [{ email }]) === email;

describe('an author is known by', () => {
  test('one of the addresses of the account, in any case', () => {
    const emails = ['alex@example.com', 'Alex.Doe@Example.org'];
    expect(wrote('ALEX@example.com', { emails })).toBe(true);
    expect(wrote('alex.doe@example.ORG', { emails })).toBe(true);
    expect(wrote('kim@example.com', { emails })).toBe(false);
    expect(wrote('', { emails })).toBe(false);
  });

  test.each([
    ['github', 'alexdoe@users.noreply.github.com'],
    ['github', '1234567+alexdoe@users.noreply.github.com'],
    ['github', '1234567+renamed@users.noreply.github.com'],
    ['github', '7+ALEXDOE@Users.NoReply.GitHub.com'],
    ['gitlab', 'alexdoe@users.noreply.gitlab.com'],
    ['gitlab', '1234567-alexdoe@users.noreply.gitlab.com'],
    ['gitlab', '1234567-renamed@users.noreply.gitlab.com'],
  ])('the address that %s makes for it: %s', (provider, email) => {
    expect(wrote(email, { provider })).toBe(true);
  });

  test.each([
    ['github', 'alexdoe2@users.noreply.github.com'],
    ['github', '12345678+other@users.noreply.github.com'],
    ['github', '234567+other@users.noreply.github.com'],
    ['github', 'alexdoe@users.noreply.github.com.example'],
    ['github', '@alexdoe@users.noreply.github.com'],
    ['github', 'alexdoe@usersxnoreply.github.com'],
    ['github', 'alexdoe@users.noreplyxgithub.com'],
    ['github', 'alexdoe@users.noreply.githubxcom'],
    ['github', 'alexdoe@users.noreply.gitlab.com'],
    ['github', '1234567@users.noreply.github.com'],
    ['github', '1234567-other@users.noreply.github.com'],
    ['gitlab', '1234567+other@users.noreply.gitlab.com'],
    ['gitlab', '@alexdoe@users.noreply.gitlab.com'],
    ['gitlab', 'alexdoe@users.noreply.gitlab.com.example'],
    ['gitlab', 'alexdoe@users.noreply.github.com'],
    ['local', 'alexdoe@users.noreply.github.com'],
    ['constructor', 'alexdoe@users.noreply.github.com'],
  ])('no address of somebody else, or of elsewhere: %s, %s', (provider, email) => {
    expect(wrote(email, { provider })).toBe(false);
  });

  test('any of several accounts, and is the first of several authors', () => {
    const accounts = [account, { provider: 'local', id: '', login: '', emails: ['a@example.com'] }];
    const authors = ['kim@example.com', 'A@example.com', 'alexdoe@users.noreply.github.com'];
    const of = (emails: readonly string[]) =>
      authorAmong(
        accounts,
        emails.map((email) => ({ email })),
      );
    expect(of(authors)).toBe('A@example.com');
    expect(of(authors.toReversed())).toBe('alexdoe@users.noreply.github.com');
    expect(of(['kim@example.com'])).toBeUndefined();
    expect(of([])).toBeUndefined();
  });
});
