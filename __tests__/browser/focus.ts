import type { Page } from 'playwright-core';

interface Stop {
  readonly text: string;
  readonly outlinePx: number;
  /** On the screen, and not behind the bar. */
  readonly isInView: boolean;
}

/** What has the focus, and whether a person sees that it does. */
export function focusOf(page: Page): Promise<Stop> {
  return page.evaluate(() => {
    const focused = document.activeElement ?? document.body;
    const { outlineStyle, outlineWidth } = getComputedStyle(focused);
    const { left, top, width, height } = focused.getBoundingClientRect();
    const atCentre = document.elementFromPoint(left + width / 2, top + height / 2);
    return {
      text: focused.textContent,
      outlinePx: outlineStyle === 'none' ? 0 : parseFloat(outlineWidth),
      isInView: atCentre !== null && focused.contains(atCentre),
    };
  });
}
