/** Who approves in the demo, and in the acceptance tests: one person with one passkey. */
export interface Approver {
  /** For the reader of the demo: who, or what, this is. */
  readonly description: string;
  /** Makes a passkey on the page that an invite leads to. @returns the SHA-256 of the key that the page shows */
  readonly enrol: (inviteUrl: string, username: string) => Promise<string>;
  /** Decides on the approval page; resolves when the service has the decision, or at once where it is asked of a person. */
  readonly decide: (approvalUrl: string, decision: 'approved' | 'rejected') => Promise<void>;
  readonly close: () => Promise<void>;
}
