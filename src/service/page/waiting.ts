import { startAuthentication } from '@simplewebauthn/browser';
import { fingerprint } from '../../core/fingerprint.ts';
import { reasonOf } from '../../core/reason.ts';
import {
  ApiError,
  finishSignIn,
  readSession,
  readWaiting,
  signOut,
  startSignIn,
  type Waiting,
} from './api.ts';
import { parse32Bytes } from './challenge.ts';
import { liveTime } from './clock.ts';
import { readDeploy } from './deploy.ts';
import { button, el, enableAgain, focusHeading, message } from './dom.ts';
import { follow } from './follow.ts';
import { whyItFailed } from './passkey.ts';
import { textNodes } from './text.ts';

const title = 'What waits for you · Deploy Warrant';

/** The list of what waits for the signed-in person, or the sign-in. */
export async function showWaiting(main: HTMLElement): Promise<void> {
  document.title = title;
  let username: string | undefined;
  try {
    username = await readSession();
  } catch (error) {
    main.replaceChildren(
      message(
        'The list cannot be shown',
        reasonOf(error),
        button({ name: 'retry' }, 'Try again', () => {
          void showWaiting(main).then(() => focusHeading(main));
        }),
      ),
    );
    return;
  }
  if (username === undefined) showSignIn(main);
  else showList(main, username);
}

function showSignIn(main: HTMLElement): void {
  // Nobody reads off it what waits for somebody who is no longer signed in.
  document.title = title;
  const problem = el('p', { class: 'problem', role: 'alert' });
  const signIn = async (): Promise<void> => {
    enter.disabled = true;
    problem.textContent = '';
    try {
      showList(main, await signInByPasskey());
      focusHeading(main);
    } catch (error) {
      problem.textContent = whyItFailed(error, 'You are not signed in.');
      enableAgain(enter);
    }
  };
  const enter = button(
    { name: 'sign-in', class: 'primary' },
    'Sign in with your passkey',
    () => void signIn(),
  );
  main.replaceChildren(
    message(
      'What waits for you',
      'Sign in to see the requests that wait for your decision. To decide one, its link is enough.',
      problem,
      enter,
    ),
  );
}

/** @returns the person's name. @throws WebAuthnError or ApiError */
async function signInByPasskey(): Promise<string> {
  const { challenge, rpId } = await startSignIn();
  // A service that lies could put a deploy's challenge here, and have an approval signed as a sign-in.
  if (parse32Bytes(challenge) === undefined) {
    throw new ApiError(502, 'The service wants something else signed than a sign-in.');
  }
  const optionsJSON = { challenge, rpId, userVerification: 'required' } as const;
  return finishSignIn(await startAuthentication({ optionsJSON }));
}

function showList(main: HTMLElement, username: string): void {
  const count = el('p', { class: 'status', role: 'status' });
  const problem = el('p', { class: 'problem', role: 'alert' });
  const list = el('ul', { class: 'waiting' });
  const shown = new Map<string, HTMLElement>();
  let version: number | undefined;

  const stop = follow({
    next: async (signal, waitSeconds) => {
      const answer = await readWaiting(version, { signal, waitSeconds });
      version = answer.version;
      update(answer.items);
      return 'more';
    },
    onTrouble: (error) => {
      if (error instanceof ApiError && error.status === 401) {
        stop();
        showSignIn(main);
        focusHeading(main);
        return;
      }
      problem.textContent =
        error === undefined
          ? ''
          : `${reasonOf(error)} This list may be out of date; it keeps trying.`;
    },
  });

  /** Keeps the entries that stay where they are, so that nothing moves under a finger or loses the focus. */
  const update = (items: readonly Waiting[]): void => {
    const ids = new Set(items.map(({ id }) => id));
    for (const [id, node] of shown) {
      if (ids.has(id)) continue;
      node.remove();
      shown.delete(id);
    }
    for (const item of items) {
      if (shown.has(item.id)) continue;
      const node = entry(item);
      shown.set(item.id, node);
      list.append(node);
    }
    const text = `${items.length} ${items.length === 1 ? 'request waits' : 'requests wait'} for you.`;
    count.textContent =
      items.length === 0 ? 'Nothing waits for you. New requests appear here by themselves.' : text;
    const mark = items.length === 0 ? '' : `(${items.length}) `;
    document.title = `${mark}${title}`;
  };

  const leave = async (): Promise<void> => {
    try {
      await signOut();
    } catch (error) {
      problem.textContent = whyItFailed(error, 'You may still be signed in.');
      return;
    }
    stop();
    showSignIn(main);
    focusHeading(main);
  };

  main.replaceChildren(
    el(
      'section',
      { class: 'list' },
      el('h1', {}, 'What waits for you'),
      count,
      problem,
      list,
      el(
        'p',
        { class: 'who' },
        'Signed in as ',
        el('bdi', {}, username),
        ' ',
        button({ name: 'sign-out', class: 'quiet' }, 'Sign out', () => void leave()),
      ),
    ),
  );
}

function entry({ id, action, payload, payloadHash, expiresAt, decideBy }: Waiting): HTMLElement {
  const deploy = readDeploy(payload);
  const heading =
    deploy === undefined
      ? [
          el('span', { class: 'note' }, 'Claimed, not signed:'),
          ' ',
          el('bdi', {}, ...textNodes(action)),
        ]
      : [
          'Deploy ',
          el('b', {}, el('bdi', {}, ...textNodes(deploy.service))),
          ' to ',
          el('b', {}, el('bdi', {}, ...textNodes(deploy.environment))),
        ];
  const left = liveTime(el('span'), Math.min(decideBy ?? Infinity, expiresAt), (time) =>
    time === undefined ? 'time is over' : `${time} left`,
  );
  return el(
    'li',
    {},
    el(
      'a',
      { href: `/approve/${encodeURIComponent(id)}` },
      el('span', { class: 'what' }, ...heading),
      deploy?.isDestructive ? el('span', { class: 'flag' }, 'Destructive migration') : undefined,
      el(
        'span',
        { class: 'about' },
        el('span', { class: 'fingerprint' }, fingerprint(payloadHash)),
        left,
        deploy ? el('bdi', {}, ...textNodes(deploy.actorLogin)) : undefined,
      ),
    ),
  );
}
