import { AppError } from '../../errors/index.js';

/** Takes the place of an oversized or malformed request message, so that authorization runs before the rejection. */
export class UnreadableMessage {
  constructor(readonly error: AppError) {}
}

/**
 * Wraps a decoder: the wrapper returns an {@link UnreadableMessage} for an oversized or malformed message. By itself,
 * grpc-js ends a call with malformed bytes as INTERNAL and a call with an oversized message without error details. Both
 * statuses bypass the interceptors.
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

/** Returns whether every top-level field is complete. The generated decoder does not reject truncated strings. */
function isComplete(bytes: Buffer): boolean {
  let offset = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[offset++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (offset < bytes.length) {
    const tag = varint();
    const size = sizeOf(tag % 8, varint);
    offset += size;
    // Field number 0 is invalid. Truncated bytes result in NaN, which fails every comparison.
    if (!(tag >= 8 && offset <= bytes.length)) return false;
  }
  return true;
}

/**
 * Returns the number of unread bytes of the field whose tag was read. For wire types 0 and 2, the function first reads
 * the varint after the tag. Returns NaN for groups and unknown wire types.
 */
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
