import { isIPv4, isIPv6 } from 'node:net';

/** Returns whether grpc-js can connect to a target. A host without scheme must have a port; grpc-js would use 443. */
export function isGrpcTarget(target: string): boolean {
  const [, scheme = '', rest = ''] = /^(dns|ipv4|ipv6|unix):(.+)$/.exec(target) ?? [];
  switch (scheme) {
    case 'dns':
      return isDnsName(rest);
    case 'ipv4':
      return rest.split(',').every((one) => isHostPort(one, isIPv4));
    case 'ipv6':
      return rest.split(',').every((one) => isHostPort(one, isIPv6));
    case 'unix':
      return !/\s/.test(rest) && !/^\/\/(?!\/)/.test(rest);
    default:
      return isHostPort(target, isHost);
  }
}

/** `name:port`, `///name:port` or `//authority/name:port`, where the authority is the DNS server. The port is optional. */
function isDnsName(rest: string): boolean {
  const [, authority, name = ''] = /^(?:\/\/([^/\s]*)\/)?([^/]+)$/.exec(rest) ?? [];
  const isAuthority =
    authority === undefined || authority === '' || isHostPort(authority, isHost, 'optional');
  return isAuthority && isHostPort(name, isHost, 'optional');
}

function isHostPort(
  text: string,
  isValidHost: (host: string) => boolean,
  port: 'required' | 'optional' = 'required',
): boolean {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const isValidPort =
    digits === undefined ? port === 'optional' : Number(digits) > 0 && Number(digits) <= 65_535;
  if (!isValidPort) return false;
  // Only IPv6 addresses have brackets, and they need them.
  return bracketed === undefined ? isValidHost(plain ?? '') : isIPv6(bracketed) && isValidHost(bracketed);
}

/** A DNS name, such as `order-service` or `_grpc._tcp.example.com`, or an IP address. */
function isHost(host: string): boolean {
  return isIPv6(host) || (/^[\w-]+(?:\.[\w-]+)*\.?$/.test(host) && !/^\d+$/.test(host));
}
