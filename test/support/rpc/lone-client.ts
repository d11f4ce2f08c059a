import { createClient, type ClientOptions, type RpcClient } from '../../../pkg/rpc/client/client.js';
import type { ServiceDefinition } from '../../../pkg/rpc/definition.js';

/** Creates a client that does not retry and has its own connection. */
export function loneClient<S extends ServiceDefinition>(
  definition: S,
  target: string,
  { transport }: Pick<ClientOptions, 'transport'> = {},
): RpcClient<S> {
  return createClient(definition, {
    name: 'test',
    target,
    timeoutMs: 60_000,
    retry: false,
    channelOptions: { 'grpc.use_local_subchannel_pool': 1 },
    ...(transport ? { transport } : {}),
  });
}
