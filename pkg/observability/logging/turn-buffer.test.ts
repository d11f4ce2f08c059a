import { setImmediate as endOfTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { pino } from 'pino';
import { TurnBuffer } from './turn-buffer.js';

describe('TurnBuffer', () => {
  let writes: { readonly text: string; readonly lines: number }[];
  let buffer: TurnBuffer;
  beforeEach(() => {
    writes = [];
    buffer = new TurnBuffer((text, lines) => writes.push({ text, lines }));
  });
  const messages = (): string[][] =>
    writes.map(({ text }) => Array.from(text.matchAll(/"msg":"(\w+)"/g), ([, msg = '']) => msg));

  it('writes the lines of one turn together at the end of the turn', async () => {
    const logger = pino({}, buffer);
    for (const turn of ['first', 'second']) {
      logger.info(turn);
      await Promise.resolve();
      logger.warn(turn);
      await endOfTurn();
    }
    expect(messages()).to.deep.equal([
      ['first', 'first'],
      ['second', 'second'],
    ]);
    expect(writes.map(({ lines }) => lines)).to.deep.equal([2, 2]);
  });

  for (const level of ['error', 'fatal'] as const)
    it(`writes a line at ${level} immediately, with the lines before it`, () => {
      const logger = pino({}, buffer);
      logger.info('before');
      logger.child({})[level]('failure');
      logger.info('after');
      expect(messages()).to.deep.equal([['before', 'failure']]);
    });

  it('collects at most 16 KiB, and a longer line alone', async () => {
    for (const length of [10_000, 6_000, 1_000, 20_000, 1]) buffer.write('x'.repeat(length));
    await endOfTurn();
    expect(writes.map(({ text }) => text.length)).to.deep.equal([16_000, 1_000, 20_000, 1]);
  });

  it('writes each line immediately after stopBuffering', () => {
    buffer.write('a');
    buffer.stopBuffering();
    buffer.write('b');
    expect(writes.map(({ text }) => text)).to.deep.equal(['a', 'b']);
  });
});
