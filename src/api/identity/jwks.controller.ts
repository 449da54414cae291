import { Controller, Get, Header, Inject } from '@nestjs/common';
import { AccessTokens } from '../../auth/access-tokens.js';
import { publishedForMs } from '../../auth/signing-keys.js';

/** The public keys of access tokens, where others look for them: a JWK Set (RFC 7517, section 5). */
@Controller('.well-known')
export class JwksController {
  constructor(@Inject(AccessTokens) private readonly accessTokens: AccessTokens) {}

  @Get('jwks.json')
  @Header('content-type', 'application/jwk-set+json')
  @Header('cache-control', `public, max-age=${publishedForMs / 1_000}`)
  async keys(): Promise<object> {
    return { keys: await this.accessTokens.publishedKeys() };
  }
}
