FROM node:24-trixie-slim AS sources
WORKDIR /app
COPY package.json package-lock.json .npmrc ./

FROM sources AS build
RUN npm ci
COPY . .
RUN npm run build

FROM sources AS dependencies
RUN npm ci --omit=dev

FROM node:24-trixie-slim
LABEL org.opencontainers.image.title="Parley" \
      org.opencontainers.image.description="A self-hosted backend for meetings, calls, chat, topics and courses" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=dependencies /app ./
COPY --from=build /app/dist ./dist
COPY LICENSE ./
COPY deploy/make-secrets.mjs ./deploy/
# New volumes take these directories' owner over. /data holds the log, the keys and the read models, where no server does.
RUN chmod +x dist/src/cli/parley.js && ln -s /app/dist/src/cli/parley.js /usr/local/bin/parley \
    && install -d -o node -g node -m 0700 /data /secrets
ENV NODE_ENV=production \
    PARLEY_HOST=0.0.0.0 \
    PARLEY_DATA_DIR=/data
USER node
VOLUME /data
EXPOSE 3000 3001
STOPSIGNAL SIGTERM
# Every role answers.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=2s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["parley"]
CMD ["serve"]
