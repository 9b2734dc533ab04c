// Sorting only; without it the page says the same.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const th = button.closest("th"), table = th.closest("table"), body = table.tBodies[0];
    const column = [...th.parentNode.children].indexOf(th);
    const up = th.getAttribute("aria-sort") !== "ascending";
    const value = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent.trim();
    const number = (text) => (text === "" ? Infinity : Number(text));
    const rows = [...body.rows].sort((a, b) => {
      const x = value(a), y = value(b), n = number(x) - number(y);
      return (Number.isNaN(n) ? x.localeCompare(y) : n) * (up ? 1 : -1);
    });
    for (const other of th.parentNode.children) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...rows);
  });
}
