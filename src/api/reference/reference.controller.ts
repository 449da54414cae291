import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Controller, Get, Inject, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { problemCodes, problemOf, Refused } from '../../problems.js';
import { version } from '../../version.js';
import { Boundary } from '../boundary.js';
import { describeApi } from './openapi.js';

const pageFiles = join(createRequire(import.meta.url).resolve('@fastify/swagger-ui'), '..', 'static');

const contentTypes: Readonly<Record<string, string>> = {
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Parley: the API</title>
    <link rel="stylesheet" href="/api/v1/docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="/api/v1/docs/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/api/v1/docs/swagger-ui-bundle.js"></script>
    <script src="/api/v1/docs/start.js"></script>
  </body>
</html>
`;

const start = `SwaggerUIBundle({ url: '/api/v1/openapi.json', dom_id: '#swagger-ui', deepLinking: true });
`;

/** The API's description, and pages to read it, which need nothing from elsewhere. */
@Controller('api/v1')
export class ReferenceController {
  #described: object | undefined;

  constructor(@Inject(Boundary) private readonly boundary: Boundary) {}

  @Get('openapi.json')
  openapi(): object {
    this.#described ??= describeApi(version, this.boundary.settings);
    return this.#described;
  }

  @Get('problems')
  problems(): object {
    return { items: problemCodes.map((code) => problemOf(code)) };
  }

  @Get('docs')
  page(@Res() reply: FastifyReply): void {
    reply.header('content-type', 'text/html; charset=utf-8').send(page);
  }

  @Get('docs/start.js')
  start(@Res() reply: FastifyReply): void {
    reply.header('content-type', 'text/javascript; charset=utf-8').send(start);
  }

  @Get('docs/:file')
  file(@Param('file') file: string, @Res() reply: FastifyReply): void {
    const contentType = contentTypes[file];
    if (contentType === undefined) throw new Refused('unknown-route');
    reply.header('content-type', contentType).send(createReadStream(join(pageFiles, file)));
  }
}
