import bowser from 'bowser';

/** What a User-Agent header tells of a device, such as `Firefox on Linux`; null where the client did not say. */
export function deviceOf(userAgent: string | null): string | null {
  if (!userAgent) return null;
  const { browser, os } = bowser.parse(userAgent);
  return browser.name ? `${browser.name}${os.name ? ` on ${os.name}` : ''}` : userAgent.slice(0, 80);
}
