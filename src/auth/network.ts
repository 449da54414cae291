/**
 * What one customer of a network has: an IPv4 address, or the first 64 bits of an IPv6 address (RFC 6177), within which
 * anyone can take as many as they like.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = [], tail] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const groups = tail ? [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail] : head;
  return `${groups.slice(0, 4).join(':')}::/64`;
}
