import { expect } from 'chai';
import { Scope } from './scope.js';

describe('Scope', () => {
  const closed: string[] = [];
  const resource = (name: string, close: () => void | Promise<void> = () => undefined) => ({
    name,
    close: async () => {
      closed.push(name);
      await close();
    },
  });
  beforeEach(() => closed.splice(0));

  it('closes resources last-in first-out, one at a time', async () => {
    const scope = new Scope();
    const events: string[] = [];
    scope.use(resource('database', () => void events.push('database')));
    scope.use(
      resource('server', async () => {
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        events.push('server');
      }),
    );
    scope.defer(() => void events.push('deferred'));
    await scope.close();
    expect(events).to.deep.equal(['deferred', 'server', 'database']);
  });

  it('returns the resource that is passed to use', () => {
    const opened = resource('a');
    expect(new Scope().use(opened)).to.equal(opened);
  });

  it('closes the open resources after a partial start-up', async () => {
    const scope = new Scope();
    const start = async (): Promise<void> => {
      scope.use(resource('telemetry'));
      scope.use(resource('database'));
      await Promise.reject(new Error('the port is taken'));
      scope.use(resource('server'));
    };
    const failure = await start().catch((error: unknown) => error);
    await scope.close();
    expect(failure).to.have.property('message', 'the port is taken');
    expect(closed).to.deep.equal(['database', 'telemetry']);
  });

  it('closes all resources even if some fail to close, and reports all failures', async () => {
    const scope = new Scope();
    const failing = (name: string) =>
      resource(name, () => {
        throw new Error(`${name} is stuck`);
      });
    scope.use(resource('a'));
    scope.use(failing('b'));
    scope.use(resource('c'));
    scope.use(failing('d'));
    const failure = await scope.close().catch((error: unknown) => error);
    expect(closed).to.deep.equal(['d', 'c', 'b', 'a']);
    expect((failure as AggregateError).errors.map(String)).to.deep.equal([
      'Error: d is stuck',
      'Error: b is stuck',
    ]);
  });

  it('closes each resource once when close is called several times', async () => {
    const scope = new Scope();
    scope.use(resource('a'));
    await Promise.all([scope.close(), scope.close()]);
    await scope.close();
    expect(closed).to.deep.equal(['a']);
  });

  it('rejects and closes a resource that is added after close', async () => {
    const scope = new Scope();
    await scope.close();
    expect(() => scope.use(resource('late'))).to.throw('the scope is closing');
    expect(closed).to.deep.equal(['late']);
  });
});
