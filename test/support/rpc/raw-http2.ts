/** Bytes of HTTP/2 frames, for peers that stop in the middle of the protocol. */

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

const types = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, goaway: 7 } as const;
const endStream = 0x1;
const ack = 0x1;
const endHeaders = 0x4;

interface Frame {
  readonly type: keyof typeof types;
  readonly flags?: number;
  readonly stream?: number;
  readonly payload?: Buffer;
}

function encode({ type, flags = 0, stream = 0, payload = Buffer.alloc(0) }: Frame): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(types[type], 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const settings = encode({ type: 'settings' });
export const settingsAck = encode({ type: 'settings', flags: ack });

/** Returns a HEADERS frame without compression. */
export function headers(
  fields: Readonly<Record<string, string>>,
  { isLast = false, stream = 1 } = {},
): Buffer {
  const block = Object.entries(fields).flatMap(([name, value]) => [
    // Literal header field without indexing, with a new name (RFC 7541, section 6.2.2).
    Buffer.from([0]),
    literal(name),
    literal(value),
  ]);
  const flags = endHeaders | (isLast ? endStream : 0);
  return encode({ type: 'headers', flags, stream, payload: Buffer.concat(block) });
}

export function data(payload: Buffer, { isLast = false, stream = 1 } = {}): Buffer {
  return encode({ type: 'data', flags: isLast ? endStream : 0, stream, payload });
}

export function rstStream(code = 8, stream = 1): Buffer {
  return encode({ type: 'rstStream', stream, payload: uint32(code) });
}

export function goaway(code = 0): Buffer {
  return encode({ type: 'goaway', payload: Buffer.concat([uint32(0), uint32(code)]) });
}

function literal(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
