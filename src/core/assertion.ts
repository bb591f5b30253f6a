import * as z from 'zod';

/**
 * A passkey's answer as W3C `AuthenticationResponseJSON`, in the closed subset that a record keeps (DESIGN 3.3).
 * All binary members are base64url without padding.
 */
export interface AssertionJson {
  readonly id: string;
  readonly rawId: string;
  readonly type: 'public-key';
  readonly response: {
    readonly clientDataJSON: string;
    readonly authenticatorData: string;
    readonly signature: string;
    readonly userHandle?: string;
  };
  readonly authenticatorAttachment?: 'platform' | 'cross-platform';
  readonly clientExtensionResults: Readonly<Record<string, never>>;
}

/** base64url of at least one and at most `maxBytes` bytes; whether it is canonical is looked at where it is decoded. */
const base64url = (maxBytes: number) =>
  z
    .string()
    .min(1)
    .max(Math.ceil((maxBytes * 4) / 3))
    .regex(/^[A-Za-z0-9_-]+$/, 'is not base64url without padding');

/** WebAuthn Level 3: a credential id has at most 1023 bytes, a user handle at most 64. */
export const credentialIdSchema = base64url(1023);
export const userHandleSchema = base64url(64);

const response = {
  clientDataJSON: base64url(8192),
  authenticatorData: base64url(4096),
  signature: base64url(2048),
};

/** The closed form, for a record. */
export const assertionSchema: z.ZodType<AssertionJson> = z.strictObject({
  id: credentialIdSchema,
  rawId: credentialIdSchema,
  type: z.literal('public-key'),
  response: z.strictObject({ ...response, userHandle: userHandleSchema.exactOptional() }),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).exactOptional(),
  clientExtensionResults: z.strictObject({}),
});

/**
 * The open form, for what a browser or a service sends: unknown members and extension results are dropped, null means
 * absent (DESIGN 3), and an unknown attachment counts as none (WebAuthn Level 3 section 5.1).
 */
export const receivedAssertionSchema = z
  .object({
    id: credentialIdSchema,
    rawId: credentialIdSchema,
    type: z.literal('public-key'),
    response: z.object({ ...response, userHandle: userHandleSchema.nullish() }),
    authenticatorAttachment: z.unknown().optional(),
  })
  .transform((received): AssertionJson => {
    const { id, rawId, type, authenticatorAttachment: attachment } = received;
    const { clientDataJSON, authenticatorData, signature, userHandle } = received.response;
    return {
      id,
      rawId,
      type,
      response: {
        clientDataJSON,
        authenticatorData,
        signature,
        ...(userHandle == null ? {} : { userHandle }),
      },
      ...(attachment === 'platform' || attachment === 'cross-platform'
        ? { authenticatorAttachment: attachment }
        : {}),
      clientExtensionResults: {},
    };
  });
