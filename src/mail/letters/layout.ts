import { Eta } from 'eta';

/** How letters look: templates of their plain text and of their HTML, which escapes whatever it is given. */

export interface Layout {
  readonly language: string;
  readonly subject: string;
  readonly greeting: string;
  readonly paragraphs: readonly string[];
  readonly action?: { readonly label: string; readonly url: string; readonly goodUntil: string } | undefined;
  readonly ending: string;
}

const text = `<%= it.greeting %>
<% for (const paragraph of it.paragraphs) { -%>

<%= paragraph %>
<% } -%>
<% if (it.action) { -%>

<%= it.action.label %>:
<%= it.action.url %>

<%= it.action.goodUntil %>
<% } -%>

-- 
<%= it.ending %>
`;

const html = `<!doctype html>
<html lang="<%= it.language %>">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title><%= it.subject %></title>
</head>
<body style="margin: 2em auto; padding: 0 1em; max-width: 36em; font: 16px/1.5 sans-serif">
<p><%= it.greeting %></p>
<% for (const paragraph of it.paragraphs) { -%>
<p><%= paragraph %></p>
<% } -%>
<% if (it.action) { -%>
<p><a href="<%= it.action.url %>"><%= it.action.label %></a></p>
<p><small><%= it.action.goodUntil %></small></p>
<% } -%>
<hr>
<p><small><%= it.ending %></small></p>
</body>
</html>
`;

const asText = new Eta({ autoEscape: false, autoTrim: false });
const asHtml = new Eta({ autoEscape: true, autoTrim: false });
const textTemplate = asText.compile(text);
const htmlTemplate = asHtml.compile(html);

export function layOut(letter: Layout): { text: string; html: string } {
  return { text: asText.render(textTemplate, letter), html: asHtml.render(htmlTemplate, letter) };
}
