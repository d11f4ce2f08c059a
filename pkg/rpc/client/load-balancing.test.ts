import { setTimeout as delay } from 'node:timers/promises';
import { experimental, Metadata, status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { ResolvingRoundRobin, roundRobinConfig } from './load-balancing.js';
import { waitFor } from '../../../test/support/wait-for.js';

const unknownName = experimental.statusOrFromError<experimental.Endpoint[]>({
  code: status.UNAVAILABLE,
  details: 'no such name',
  metadata: new Metadata(),
});

describe('ResolvingRoundRobin', () => {
  it('periodically resolves a target that has no addresses, until the load balancer is destroyed', async () => {
    let resolutions = 0;
    const balancer = new ResolvingRoundRobin({
      createSubchannel: () => expect.fail('created a subchannel without an address'),
      updateState: () => undefined,
      requestReresolution: () => (resolutions += 1),
      addChannelzChild: () => undefined,
      removeChannelzChild: () => undefined,
    });
    const config = experimental.parseLoadBalancingConfig(
      roundRobinConfig({ disconnectedMs: 5, connectedMs: 3_600_000 }),
    );

    balancer.updateAddressList(unknownName, config, {}, '');
    await waitFor(() => resolutions >= 3, 'third resolution');

    balancer.destroy();
    const resolutionsAtDestroy = resolutions;
    await delay(50);
    expect(resolutions).to.equal(resolutionsAtDestroy);
  });
});
