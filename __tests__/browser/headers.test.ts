import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { openApprover } from '../support/chromium.ts';
import { describeInBrowser } from './bench.ts';

describeInBrowser('the page and the browser', (bench) => {
  test('every view comes with the strict policy, and so do script and style', async () => {
    const { origin, ask } = bench();
    const { url } = await ask();
    const paths = [`${origin}/`, url, `${origin}/enrol/x`];
    for (const path of [...paths, `${origin}/page/page.js`, `${origin}/page/page.css`]) {
      const { status, headers } = await fetch(path);
      expect(status).toBe(200);
      const policy = (headers.get('content-security-policy') ?? '').split('; ');
      for (const directive of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
      ]) {
        expect(policy).toContain(directive);
      }
      expect(policy.join()).not.toMatch(/unsafe|\*|https?:/);
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('permissions-policy')).toContain('publickey-credentials-get=(self)');
    }
  });

  test('the whole way from invite to decision and list breaks no policy and asks no third party', async () => {
    const { browser, origin, invite, ask } = bench();
    const kim = await openApprover(browser);
    const requests: string[] = [];
    const complaints: string[] = [];
    kim.context.on('request', (request) => requests.push(request.url()));
    kim.page.on('console', (said) => complaints.push(said.text()));
    kim.page.on('pageerror', (error) => complaints.push(error.message));
    await kim.enrol(await invite(), 'kim');
    await kim.approve((await ask({ username: 'kim' })).url);
    await kim.signIn(origin);
    expect(requests.length).toBeGreaterThan(10);
    expect(requests.filter((url) => new URL(url).origin !== origin)).toEqual([]);
    // Being asked who is signed in, with nobody signed in, is the one answer that the browser remarks on.
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
    await kim.close();
  });

  test('refuses to be framed, by another site and by its own', async () => {
    const { alex, browser, origin, ask } = bench();
    const { url } = await ask();
    const refusal = (page: Page): Promise<string> =>
      page
        .waitForEvent('console', (said) => said.text().includes('Content Security Policy'))
        .then((said) => said.text());

    const other = createServer((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<iframe src="${url}"></iframe>`);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const page = await browser.newPage();
    try {
      const said = refusal(page);
      await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}`);
      expect(await said).toContain("frame-ancestors 'none'");
      expect(page.frames()[1]?.url()).not.toBe(url);
    } finally {
      await page.close();
      other.close();
      other.closeAllConnections();
    }

    await alex.page.goto(origin);
    const said = refusal(alex.page);
    await alex.page.evaluate((src) => {
      document.body.append(Object.assign(document.createElement('iframe'), { src }));
    }, url);
    expect(await said).toContain('Framing');
    expect(alex.page.frames()[1]?.url()).not.toBe(url);
  });

  test('runs no inline script, and takes no markup from text', async () => {
    const { alex, ask } = bench();
    await alex.page.goto((await ask()).url);
    const got = await alex.page.evaluate(() => {
      const said: string[] = [];
      const attempts = [
        () => (document.body.innerHTML = '<img src=x onerror="window.pwned = 1">'),
        () =>
          document.body.append(
            Object.assign(document.createElement('script'), { text: 'window.pwned = 1' }),
          ),
        () => document.body.setAttribute('onclick', 'window.pwned = 1'),
      ];
      for (const attempt of attempts) {
        try {
          attempt();
          said.push('done');
        } catch (error) {
          said.push((error as Error).name);
        }
      }
      document.body.click();
      return { said, pwned: 'pwned' in window };
    });
    expect(got).toEqual({ said: ['TypeError', 'TypeError', 'TypeError'], pwned: false });
  });

  test('the bundle is small, and has no way to turn text into markup or code', () => {
    // What is committed and served; CI holds it to the sources.
    const folder = join(import.meta.dirname, '../../dist/page');
    const names = readdirSync(folder);
    expect([...names].sort()).toEqual(['icon.svg', 'index.html', 'page.css', 'page.js']);
    const bytes = names.map((name) => readFileSync(join(folder, name)));
    expect(Buffer.concat(bytes).length).toBeLessThan(64_000);
    const script = readFileSync(join(folder, 'page.js'), 'utf8');
    expect(script).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function|srcdoc/,
    );
    const html = readFileSync(join(folder, 'index.html'), 'utf8');
    expect(html).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)|https?:/);
  });
});
