import { setTimeout as delay } from 'node:timers/promises';
import { experimental, Metadata, status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { LookedUpRoundRobin, roundRobinOver } from './load-balancing.js';
import { waitFor } from './testing/wait-for.js';

const unknownName = experimental.statusOrFromError<experimental.Endpoint[]>({
  code: status.UNAVAILABLE,
  details: 'no such name',
  metadata: new Metadata(),
});

describe('the load balancer of a channel', () => {
  it('asks for addresses while it has none, and leaves no timer behind', async () => {
    let asked = 0;
    const balancer = new LookedUpRoundRobin({
      createSubchannel: () => expect.fail('there is no address'),
      updateState: () => undefined,
      requestReresolution: () => (asked += 1),
      addChannelzChild: () => undefined,
      removeChannelzChild: () => undefined,
    });
    const lookups = experimental.parseLoadBalancingConfig(
      roundRobinOver({ searchMs: 5, refreshMs: 3_600_000 }),
    );

    balancer.updateAddressList(unknownName, lookups, {}, '');
    await waitFor(() => asked >= 3, 'a third look');

    balancer.destroy();
    const before = asked;
    await delay(50);
    expect(asked).to.equal(before);
  });
});
