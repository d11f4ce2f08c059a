import { expect } from 'chai';
import fc from 'fast-check';
import { CreateProductRequest } from '../../pb/catalog/v1/catalog.js';
import { CreateOrderRequest } from '../../pb/order/v1/order.js';
import { guardDecoder, UnreadableMessage } from './message-guard.js';

const limit = 1000;
const decodeProduct = guardDecoder((bytes) => CreateProductRequest.decode(bytes), limit);

const anyText = fc.string({ unit: 'grapheme', maxLength: 20 });
const anyRequest = fc
  .record({
    requestId: anyText,
    sku: anyText,
    name: anyText,
    units: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    nanos: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  })
  .map(({ requestId, sku, name, units, nanos }) =>
    CreateProductRequest.fromPartial({
      requestId,
      product: { sku, name, price: { currencyCode: 'USD', units, nanos } },
    }),
  );

const encode = (request: CreateProductRequest): Buffer =>
  Buffer.from(CreateProductRequest.encode(request).finish());

/** Returns the offsets of the top-level field boundaries. Every field of the message is length-delimited. */
function fieldBoundaries(bytes: Buffer): Set<number> {
  const boundaries = new Set([0]);
  for (let offset = 0; offset < bytes.length;) {
    let length = 0;
    let shift = 0;
    let byte: number;
    offset += 1;
    do {
      byte = bytes[offset] ?? 0;
      length += (byte & 0x7f) << shift;
      shift += 7;
      offset += 1;
    } while (byte >= 0x80);
    offset += length;
    boundaries.add(offset);
  }
  return boundaries;
}

function rejection(result: unknown): string | undefined {
  return result instanceof UnreadableMessage ? result.error.reason : undefined;
}

describe('guardDecoder', () => {
  it('decodes every valid message', () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        const bytes = encode(request);
        expect(decodeProduct(bytes)).to.deep.equal(CreateProductRequest.decode(bytes));
      }),
    );
  });

  it('rejects a message that is truncated within a field', () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        const bytes = encode(request);
        const boundaries = fieldBoundaries(bytes);
        for (let length = 0; length <= bytes.length; length += 1) {
          const result = decodeProduct(bytes.subarray(0, length));
          expect(rejection(result), `truncated after ${length} of ${bytes.length} bytes`).to.equal(
            boundaries.has(length) ? undefined : 'MALFORMED_MESSAGE',
          );
        }
      }),
    );
  });

  it('decodes or rejects arbitrary bytes without an exception', () => {
    const decodeOrder = guardDecoder((bytes) => CreateOrderRequest.decode(bytes), limit);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const result = decodeOrder(Buffer.from(bytes));
        expect([undefined, 'MALFORMED_MESSAGE']).to.include(rejection(result));
      }),
      { numRuns: 2000 },
    );
  });

  it('accepts unknown fields of every wire type except groups', () => {
    const unknown = [
      [0xf8, 0x01, 0x96, 0x01],
      [0xf9, 0x01, 1, 2, 3, 4, 5, 6, 7, 8],
      [0xfa, 0x01, 0x02, 0xff, 0xff],
      [0xfd, 0x01, 1, 2, 3, 4],
    ];
    for (const field of unknown) {
      const bytes = Buffer.from([...field, 0x0a, 0x01, 0x61]);
      expect(decodeProduct(bytes)).to.have.property('requestId', 'a');
      for (let length = 1; length < field.length; length += 1)
        expect(rejection(decodeProduct(bytes.subarray(0, length)))).to.equal('MALFORMED_MESSAGE');
    }
    for (const group of [0xfb, 0xfc, 0xfe, 0xff])
      expect(rejection(decodeProduct(Buffer.from([group, 0x01])))).to.equal('MALFORMED_MESSAGE');
  });

  it('rejects an oversized message without decoding it', () => {
    const guarded = guardDecoder(() => expect.fail('the message was decoded'), limit);
    const result = guarded(Buffer.alloc(limit + 1));
    expect(result).to.have.nested.property('error.reason', 'MESSAGE_TOO_LARGE');
    expect(result)
      .to.have.nested.property('error.metadata')
      .that.deep.equals({ limit_bytes: String(limit) });
    expect(rejection(guardDecoder(() => 'decoded', 2)(Buffer.alloc(2)))).to.equal('MALFORMED_MESSAGE');
    expect(guardDecoder(() => 'decoded', 3)(Buffer.from([0x0a, 0x01, 0x61]))).to.equal('decoded');
  });

  it('reports the decoder error as the cause', () => {
    const cause = new Error('bad');
    const guarded = guardDecoder(() => {
      throw cause;
    }, limit);
    expect(guarded(Buffer.alloc(0))).to.have.nested.property('error.cause', cause);
  });
});
