import type { ClientDependencies } from './dependencies.ts';
import type { ApiTransport } from './http.ts';

const allowanceMs = 60_000;

/** A transport that knows the service's clock. */
export interface ClockedTransport extends ApiTransport {
  /** The header Date of the last answer that had one, epoch milliseconds. */
  readonly serviceTime: () => number | undefined;
}

/** Follows the service's clock by the header Date, and warns once when it and ours are more than 60 s apart. */
export function watchClock(
  transport: ApiTransport,
  { now, log }: Pick<ClientDependencies, 'now' | 'log'>,
): ClockedTransport {
  let serviceTime: number | undefined;
  let warned = false;
  return {
    host: transport.host,
    serviceTime: () => serviceTime,
    send: async (request) => {
      const response = await transport.send(request);
      if (response.date === undefined) return response;
      serviceTime = response.date;
      const apartMs = now() - response.date;
      if (Math.abs(apartMs) > allowanceMs && !warned) {
        warned = true;
        log(
          `Warning: this machine's clock is ${Math.round(Math.abs(apartMs) / 1000)} s ${apartMs > 0 ? 'ahead of' : 'behind'} that of ${transport.host}. An approval counts only while it is valid by both: set the clock.`,
        );
      }
      return response;
    },
  };
}
