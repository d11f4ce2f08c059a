import { expect } from 'chai';
import { everyLogged, Outage } from './outage.js';

describe('an outage', () => {
  const said: unknown[][] = [];
  const log =
    (level: string) =>
    (fields: object, message: string): void =>
      void said.push([level, message, fields]);
  const logger = { info: log('info'), warn: log('warn') };
  const messages = { fails: 'heartbeat failed', works: 'heartbeat works again' };
  const [first, second, third] = ['first', 'second', 'third'].map((text) => new Error(text));

  beforeEach(() => said.splice(0));

  it('is not told of while all goes well', () => {
    const outage = new Outage(logger, messages);
    outage.works();
    outage.works();
    expect(said).to.deep.equal([]);
  });

  it('is told of when it begins, with its error, and when it is over, not in between', () => {
    const outage = new Outage(logger, messages);
    outage.fails(first);
    outage.fails(second);
    outage.works();
    outage.works();
    outage.fails(third);
    expect(said).to.deep.equal([
      ['warn', 'heartbeat failed', { err: first }],
      ['info', 'heartbeat works again', { failures: 2 }],
      ['warn', 'heartbeat failed', { err: third }],
    ]);
  });

  it('of work done again and again is one warning and one end, however many runs fail', async () => {
    let runs = 0;
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const task = async (): Promise<void> => {
      runs += 1;
      if (runs === 6) finish();
      if (runs >= 2 && runs <= 4) throw new Error(`run ${runs}`);
    };
    const loop = everyLogged(1, task, new Outage(logger, messages));
    await finished;
    await loop.close();
    expect(said.map(([level, message]) => `${String(level)}: ${String(message)}`)).to.deep.equal([
      'warn: heartbeat failed',
      'info: heartbeat works again',
    ]);
    expect(said[1]?.[2]).to.deep.equal({ failures: 3 });
  });
});
