/** The service's clock minus this device's, in ms. A phone's clock may be wrong; the service's decides. */
let offsetMs = 0;

/** Takes the service's time from an answer's `Date` header, which leaves out the fraction of the second. */
export function setServiceTime(header: string | null): void {
  const time = Date.parse(String(header));
  if (!Number.isNaN(time)) offsetMs = time + 500 - Date.now();
}

/** The service's time now, epoch ms. */
function serviceNow(): number {
  return Date.now() + offsetMs;
}

/** `18 min`: how long until a moment (epoch ms), coarse while there is time and by the second when there is little. */
function timeLeft(moment: number): string | undefined {
  const seconds = Math.floor((moment - serviceNow()) / 1000);
  if (seconds <= 0) return undefined;
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  if (hours >= 1) return `${hours} h ${minutes % 60} min`;
  if (minutes >= 3) return `${minutes} min`;
  return minutes >= 1 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** `3 days ago`: how long a moment (epoch ms) is past, as coarse as people say it. */
export function timeAgo(moment: number): string {
  const minutes = Math.floor((serviceNow() - moment) / 60_000);
  const [size, unit] =
    minutes >= 2 * 24 * 60
      ? ([24 * 60, 'day'] as const)
      : minutes >= 60
        ? ([60, 'hour'] as const)
        : ([1, 'minute'] as const);
  const count = Math.floor(minutes / size);
  return count < 1 ? 'just now' : `${count} ${unit}${count === 1 ? '' : 's'} ago`;
}

/** A moment (epoch ms) in the reader's own time zone: `13:00 CET`, with the day where it is not today. */
export function localTime(moment: number): string {
  const isToday = new Date(moment).toDateString() === new Date(serviceNow()).toDateString();
  return new Intl.DateTimeFormat(undefined, {
    ...(isToday ? {} : { weekday: 'short', day: 'numeric', month: 'short' }),
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(moment);
}

/**
 * An element that says how much time is left, kept right once a second while it stands on the page.
 * @param say the text for the time left, or for `undefined` when it is over
 */
export function liveTime(
  node: HTMLElement,
  moment: number,
  say: (left: string | undefined) => string,
): HTMLElement {
  const update = (): void => {
    const text = say(timeLeft(moment));
    if (node.textContent !== text) node.textContent = text;
  };
  update();
  const timer = setInterval(() => {
    update();
    if (!node.isConnected) clearInterval(timer);
  }, 1000);
  return node;
}
