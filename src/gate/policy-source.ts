import type { Policy } from '../core/policy.ts';

export interface PolicySource {
  /** The input `policy`: the document itself if it begins with `{`, else a path; empty where there is none. */
  readonly input: string;
  /** Folders the file must lie outside of: the workspace, the working directory. The repositories around them are added. */
  readonly outside: readonly string[];
}

/** Reads the policy. @throws Fault configuration with every fault of the document */
export async function readPolicy(_source: PolicySource): Promise<Policy | undefined> {
  await Promise.resolve();
  return undefined;
}
