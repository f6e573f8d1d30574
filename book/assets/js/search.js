// Mends two things in Sphinx's search: a hit whose place has no text of its own ended in a script error,
// and pages opened from a folder cannot read one another, so there the excerpts are left out.
{
  const summary = Search.makeSearchSummary;
  Search.makeSearchSummary = (...page) => summary(...page) ?? document.createElement("p");
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
