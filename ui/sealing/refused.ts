// One family of refusals, with the codes of the platform's own.

export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Why sealed content does not open (`sealed-wrong` of the platform). */
export type Reason = "unwrap" | "commitment" | "chunk" | "length" | "key";

export class SealFailed extends Refused {
  constructor(
    readonly reason: Reason,
    message = `the sealed content does not open: ${reason}`,
  ) {
    super("sealed-wrong", message);
  }
}

export const badField = (message: string): Refused => new Refused("E_FIELD", message);
export const badWraps = (message: string): Refused => new Refused("E_WRAPS", message);
export const sealerRefuses = (message: string): Refused => new Refused("sealer-refuses", message);
export const badChain = (message: string): Refused => new Refused("E_CERT_CHAIN", message);
export const badSignature = (message: string): Refused => new Refused("E_SIG", message);
