import torch

from ccim_core.models.gcn_cnn import ContextGraph, GcnCnn


def test_edges_sum_to_one_and_keep_half_of_the_node() -> None:
    torch.manual_seed(0)
    edges = ContextGraph(6, width=5, embedding=4).edges(torch.randn(2, 7, 6))
    torch.testing.assert_close(edges.sum(-1), torch.ones(2, 7))
    assert (edges.diagonal(dim1=1, dim2=2) > 0.5).all()
    assert (edges > 0).all()


def test_the_graph_equals_a_loop_over_nodes() -> None:
    torch.manual_seed(0)
    graph, nodes = ContextGraph(6, width=5, embedding=4), torch.randn(1, 3, 6)
    with torch.no_grad():
        edges, x = graph.edges(nodes)[0], nodes[0]
        for layer in graph.layers:
            moved = [layer(row) for row in x]
            x = torch.stack(
                [torch.relu(sum(edges[i, j] * moved[j] for j in range(3))) for i in range(3)]
            )
        torch.testing.assert_close(graph(nodes)[0], x.mean(0))


def test_the_order_of_regions_says_nothing() -> None:
    torch.manual_seed(0)
    model = GcnCnn(subject_width=4, context_width=6, channels=0.05).eval()
    maps = torch.randn(2, 6, 3, 3)
    order = torch.randperm(9)
    shuffled = maps.flatten(2)[..., order].view_as(maps)
    with torch.no_grad():
        _, a = model.encode({"subject": torch.zeros(2, 4), "context": maps})
        _, b = model.encode({"subject": torch.zeros(2, 4), "context": shuffled})
    torch.testing.assert_close(a, b)
