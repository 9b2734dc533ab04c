// Sorting only; without it the page says the same.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const th = button.closest("th"), body = th.closest("table").tBodies[0];
    const column = [...th.parentNode.children].indexOf(th);
    const up = th.getAttribute("aria-sort") !== "ascending";
    const value = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent.trim();
    const rows = [...body.rows].map((row) => ({ row, text: value(row) }));
    const order = (a, b) => {
      if (a.text === "" || b.text === "") return (a.text === "") - (b.text === ""); // blanks last
      const n = Number(a.text) - Number(b.text);
      return (Number.isNaN(n) ? a.text.localeCompare(b.text) : n) * (up ? 1 : -1);
    };
    rows.sort(order);
    for (const other of th.parentNode.children) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...rows.map(({ row }) => row));
  });
}
