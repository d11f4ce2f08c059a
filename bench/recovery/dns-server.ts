import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Scope } from '../../pkg/runtime/index.js';

const headerBytes = 12;
const typeA = 1;
/** Response, authoritative, recursion desired and available, no error. */
const flags = 0x8580;
/** Pointer to the name in the question. */
const nameInQuestion = 0xc00c;
const ttlSeconds = 1;

/** Starts a DNS server that answers every query for IPv4 addresses with `addresses` (RFC 1035). Returns its port. */
export async function startDnsServer(addresses: readonly string[], scope: Scope): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => socket.send(answerTo(query, addresses), port, address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  scope.defer(() => void socket.close());
  return socket.address().port;
}

function answerTo(query: Buffer, addresses: readonly string[]): Buffer {
  const questionEnd = query.indexOf(0, headerBytes) + 5;
  const question = query.subarray(headerBytes, questionEnd);
  const records = question.readUInt16BE(question.length - 4) === typeA ? addresses.map(recordOf) : [];
  const header = Buffer.alloc(headerBytes);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question, ...records]);
}

function recordOf(address: string): Buffer {
  const octets = address.split('.').map(Number);
  const record = Buffer.alloc(12 + octets.length);
  record.writeUInt16BE(nameInQuestion, 0);
  record.writeUInt16BE(typeA, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(ttlSeconds, 6);
  record.writeUInt16BE(octets.length, 10);
  record.set(octets, 12);
  return record;
}
