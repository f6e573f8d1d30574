// Mends three things in Sphinx's search: a hit whose place has no text of its own ended in a script error; a formula is on the
// page twice, to be seen and to be read aloud, and came twice; pages opened from a folder cannot read one another, so there the
// excerpts are left out.
{
  const summary = Search.makeSearchSummary;
  Search.makeSearchSummary = (...page) => summary(...page) ?? document.createElement("p");
  const toText = Search.htmlToText;
  Search.htmlToText = (html, ...place) => toText(html.replace(/<span class="katex-mathml">.*?<\/span>/gs, ""), ...place);
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
