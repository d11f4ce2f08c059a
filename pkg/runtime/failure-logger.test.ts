import { expect } from 'chai';
import { everyLogged, FailureLogger } from './failure-logger.js';

describe('FailureLogger', () => {
  const logged: unknown[][] = [];
  const log =
    (level: string) =>
    (fields: object, message: string): void =>
      void logged.push([level, message, fields]);
  const logger = { info: log('info'), warn: log('warn') };
  const messages = { failed: 'heartbeat failed', recovered: 'heartbeat recovered' };
  const [first, second, third] = ['first', 'second', 'third'].map((text) => new Error(text));

  beforeEach(() => logged.splice(0));

  it('logs nothing without a failure', () => {
    const failures = new FailureLogger(logger, messages);
    failures.recovered();
    failures.recovered();
    expect(logged).to.deep.equal([]);
  });

  it('logs the first failure with its error, and the recovery with the number of failures', () => {
    const failures = new FailureLogger(logger, messages);
    failures.failed(first);
    failures.failed(second);
    failures.recovered();
    failures.recovered();
    failures.failed(third);
    expect(logged).to.deep.equal([
      ['warn', 'heartbeat failed', { err: first }],
      ['info', 'heartbeat recovered', { failures: 2 }],
      ['warn', 'heartbeat failed', { err: third }],
    ]);
  });

  it('logs one warning and one recovery for a recurring task with several failed runs', async () => {
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
    const loop = everyLogged(1, task, new FailureLogger(logger, messages));
    await finished;
    await loop.close();
    expect(logged.map(([level, message]) => `${String(level)}: ${String(message)}`)).to.deep.equal([
      'warn: heartbeat failed',
      'info: heartbeat recovered',
    ]);
    expect(logged[1]?.[2]).to.deep.equal({ failures: 3 });
  });
});
