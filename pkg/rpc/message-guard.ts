import { AppError } from '../errors/index.js';

/** Stands in for a request that could not be read, so that the refusal passes through every policy. */
export class UnreadableMessage {
  constructor(readonly error: AppError) {}
}

/**
 * Wraps a decoder: grpc-js would answer malformed bytes with INTERNAL and a message over the limit
 * without details, both unseen by interceptors.
 */
export function guardDecoder<T>(
  decode: (bytes: Buffer) => T,
  maxBytes: number,
): (bytes: Buffer) => T | UnreadableMessage {
  return (bytes) => {
    if (bytes.length > maxBytes) return tooLarge(bytes.length, maxBytes);
    try {
      if (!isComplete(bytes)) return malformed();
      return decode(bytes);
    } catch (cause) {
      return malformed(cause);
    }
  };
}

function tooLarge(bytes: number, maxBytes: number): UnreadableMessage {
  return new UnreadableMessage(
    new AppError({
      reason: 'MESSAGE_TOO_LARGE',
      message: `the message has ${bytes} bytes, the limit is ${maxBytes}`,
      metadata: { limit_bytes: String(maxBytes) },
    }),
  );
}

function malformed(cause?: unknown): UnreadableMessage {
  return new UnreadableMessage(
    new AppError({
      reason: 'MALFORMED_MESSAGE',
      message: 'the message is not valid protobuf',
      fields: [{ field: '', description: 'the message is not valid protobuf' }],
      cause,
    }),
  );
}

/** Whether every top-level field ends within the message; the generated decoder accepts a cut-off string. */
function isComplete(bytes: Buffer): boolean {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (at < bytes.length) {
    const tag = varint();
    const size = sizeOf(tag % 8, varint);
    at += size;
    // Field number 0 is not allowed; NaN, from bytes that ran out, fails every comparison.
    if (!(tag >= 8 && at <= bytes.length)) return false;
  }
  return true;
}

/** Bytes of a value after its tag and, when it has one, its varint; NaN for groups and unknown types. */
function sizeOf(wireType: number, varint: () => number): number {
  switch (wireType) {
    case 0:
      return Number.isNaN(varint()) ? Number.NaN : 0;
    case 1:
      return 8;
    case 2:
      return varint();
    case 5:
      return 4;
    default:
      return Number.NaN;
  }
}
