import { unverifiedReport } from '../lab/requirements.js';

const limits = [
  {
    name: 'network-policies',
    what: 'that the cluster blocks the connections that no NetworkPolicy allows',
    reason: 'this node does not enforce NetworkPolicies',
    remedy: 'a cluster whose network plugin enforces NetworkPolicies, such as Calico or Cilium',
  },
  {
    name: 'several-nodes',
    what: 'the spreading of pods over nodes and zones, and the draining of a node',
    reason: 'there is one node',
    remedy: 'a cluster of several nodes',
  },
];

export const mochaGlobalTeardown = unverifiedReport('cluster', () => limits);
