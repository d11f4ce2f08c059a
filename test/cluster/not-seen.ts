import type { Unverified } from '../unverified.js';

/** What a cluster of one node without an enforcing network cannot show. */
export const notSeen: Unverified[] = [
  {
    name: 'network-policies',
    what: 'that the NetworkPolicies stop what they do not allow',
    reason: 'nothing enforces them on this node',
    remedy: 'a cluster with a network that does, such as Calico or Cilium',
  },
  {
    name: 'several-nodes',
    what: 'spreading over nodes and zones, draining a node',
    reason: 'there is one node',
    remedy: 'a cluster with several',
  },
];
